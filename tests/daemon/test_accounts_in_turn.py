"""Which account of a login probe begins a look, so that each passes within the hour."""

import pytest

from uptimed.core.minutes import Minute
from uptimed.core.targets import (
    Account,
    Expectation,
    LoginTarget,
    ProbeSettings,
    Secret,
    SecretPlace,
)
from uptimed.core.terms import Role
from uptimed.daemon.look import in_turn

SECRET = Secret(SecretPlace.ENV, "X")


def probe(accounts: int, *, login_every: int = 5, interval: int = 1) -> ProbeSettings:
    target = LoginTarget(
        preset="form",
        base_url="https://crm.acme.example",
        accounts=tuple(Account(username=f"p{n}", password=SECRET) for n in range(accounts)),
        login_every=login_every,
    )
    return ProbeSettings(
        id="login", role=Role.LOGIN, kind="login", target=target, expect=Expectation(),
        interval=interval,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("login_every", "interval", "accounts"), [(5, 1, 2), (60, 1, 2), (5, 5, 3), (15, 15, 2)]
)
def test_every_account_comes_first_within_the_hour(
    login_every: int, interval: int, accounts: int
) -> None:
    settings = probe(accounts, login_every=login_every, interval=interval)
    everyone = range(1, accounts + 1)
    firsts = {in_turn(everyone, settings, Minute(m))[0] for m in range(0, 60, interval)}

    assert firsts == set(everyone)


def test_the_first_account_changes_only_when_a_full_login_is_due() -> None:
    firsts = "".join(str(in_turn((1, 2), probe(2), Minute(m))[0]) for m in range(20))

    assert firsts == "11111222221111122222"


def test_an_account_that_may_not_be_tried_is_left_out() -> None:
    assert in_turn((1,), probe(2), Minute(5)) == (1,)


def test_a_single_account_is_always_the_one() -> None:
    assert in_turn((1,), probe(1), Minute(7)) == (1,)
