"""A login that waits without asking spends nothing of an account's budget."""

import pytest

from uptimed.core.observations import Attempt, Cause, Instant, Outcome
from uptimed.core.targets import (
    Account,
    Expectation,
    LoginTarget,
    ProbeSettings,
    Secret,
    SecretPlace,
)
from uptimed.core.terms import Role
from uptimed.daemon.look import permitted

ACCOUNT = Account(username="one", password=Secret(SecretPlace.ENV, "P1"))
PROBE = ProbeSettings(
    id="login",
    role=Role.LOGIN,
    kind="login",
    target=LoginTarget(preset="form", base_url="http://127.0.0.1", accounts=(ACCOUNT,)),
    expect=Expectation(),
)


@pytest.mark.parametrize(
    ("cause", "may"), [(Cause.LOGIN_BLOCKED, ()), (Cause.LOGIN_WAITING, (1,))], ids=str
)
def test_only_what_was_asked_is_counted(cause: Cause, may: tuple[int, ...]) -> None:
    made = [
        Attempt(
            service="crm", probe="login", vantage="local", at=Instant(n), look=Instant(n),
            outcome=Outcome.BLOCKED, cause=cause, account=1, secret="s",
        )
        for n in range(3)
    ]  # fmt: skip

    assert permitted(PROBE, ("s",), made, Instant(10)) == may
