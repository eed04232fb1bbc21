"""Flow files that are no good, and what a configuration may cost an account.

The files in `bad_flows/` begin with a line `# says: ` per mistake, in order.
"""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from probes.flowfile import bind, find_flow
from uptimed.core.flows import Flow, FlowError, Lockout, failures_at_most, spending

HERE = Path(__file__).parent / "bad_flows"
SAYS = "# says: "


def _wanted(path: Path) -> list[str]:
    lines = path.read_text(encoding="utf-8").splitlines()
    return [line.removeprefix(SAYS) for line in lines if line.startswith(SAYS)]


@pytest.mark.parametrize(
    "path", [pytest.param(path, id=path.stem) for path in sorted(HERE.glob("*.toml"))]
)
def test_a_bad_flow_is_told_all_its_mistakes_with_file_step_and_key(path: Path) -> None:
    with pytest.raises(FlowError) as caught:
        find_flow(str(path))

    assert [str(mistake) for mistake in caught.value.mistakes] == _wanted(path)
    assert all(line.startswith(f"{path}: ") for line in str(caught.value).splitlines())


def test_a_flow_that_is_not_there_is_told() -> None:
    with pytest.raises(FlowError, match=r"nowhere\.toml: file: found no such file"):
        find_flow("./nowhere.toml")


# ---- settings


SETTINGS = [
    pytest.param(
        {"hom_text": "x"},
        [
            'settings.hom_text: found an unknown setting, wanted "home_text"?',
            "settings.home_text: found nothing, wanted a text of that page that only those see who",
        ],
        id="a slip",
    ),
    pytest.param(
        {"home_text": "Sign out", "form": "a[["},
        ["login.form.outcomes.2.when.css", "login.form.take.form.form"],
        id="a selector that is none",
    ),
]


@pytest.mark.parametrize(("settings", "said"), SETTINGS)
def test_settings_that_are_no_good_are_told(settings: dict[str, str], said: list[str]) -> None:
    with pytest.raises(FlowError) as caught:
        bind(find_flow("form"), settings)

    told = [str(mistake) for mistake in caught.value.mistakes]
    assert [line[: len(wanted)] for line, wanted in zip(told, said, strict=False)] == said


def test_a_setting_with_braces_is_no_template() -> None:
    flow = bind(find_flow("form"), {"home_text": "{{ account.password }}"})
    marker = flow.session[0].outcomes[0].when
    assert marker is not None and marker.body is not None

    from probes.templates import Scene, render

    assert render(marker.body, Scene(account={"password": "secret"})) == "{{ account.password }}"


# ---- lock-out


CASES = [
    # window, per hour, interval -> failures at most
    pytest.param(30, 3, 1, 3, id="three an hour, all within the half hour"),
    pytest.param(30, 60, 15, 2, id="no more than there are looks"),
    pytest.param(30, 60, 30, 1, id="a look every half hour"),
    pytest.param(1, 3, 1, 1, id="one look a minute"),
    pytest.param(60, 3, 1, 3, id="an hour"),
    pytest.param(90, 3, 1, 6, id="an hour and a half has parts of two hours"),
    pytest.param(1440, 1, 1, 24, id="a day"),
]


@pytest.mark.parametrize(("window", "per_hour", "interval", "most"), CASES)
def test_failures_at_most(window: int, per_hour: int, interval: int, most: int) -> None:
    found = failures_at_most(window, max_rejected_per_hour=per_hour, interval=interval)
    assert found == most


@pytest.mark.property
@given(
    window=st.integers(1, 300),
    per_hour=st.integers(1, 10),
    interval=st.integers(1, 60),
    offset=st.integers(0, 59),
)
def test_no_run_of_tries_makes_more_failures_than_that(
    window: int, per_hour: int, interval: int, offset: int
) -> None:
    """Try as early and as often as is allowed, and count in every window."""
    tries: list[int] = []
    for minute in range(offset, 800, interval):
        if sum(1 for made in tries if minute - made < 60) < per_hour:
            tries.append(minute)
    most = failures_at_most(window, max_rejected_per_hour=per_hour, interval=interval)

    for start in range(500):
        assert sum(1 for made in tries if start <= made < start + window) <= most


def _flow(lockout: Lockout | None) -> Flow:
    return Flow(id="x", title="a system", version="1", file="", session=(), lockout=lockout)


def test_spending_is_said_in_a_sentence() -> None:
    lockout = Lockout(failures=5, window=30, per="account and address", by="SuiteCRM 8")
    spent = spending(_flow(lockout), max_rejected_per_hour=3, interval=1, accounts=2)

    assert spent is not None
    assert spent.sentence == (
        "this configuration can spend at most 3 of the 5 failures SuiteCRM 8 allows in 30 minutes "
        "per account and address"
    )
    assert not spent.locks


LOCKS = [
    pytest.param("account", 3, 1, 1, False, id="one vantage"),
    pytest.param("account", 3, 1, 2, True, id="two vantages spend the same account"),
    pytest.param("account and address", 3, 2, 2, False, id="each vantage has its own address"),
    pytest.param("address", 3, 2, 1, True, id="two accounts of one address"),
    pytest.param("account", 5, 1, 1, True, id="as many as lock it"),
]


@pytest.mark.parametrize(("per", "per_hour", "accounts", "vantages", "locks"), LOCKS)
def test_a_configuration_that_locks_its_accounts_is_told(
    per: str, per_hour: int, accounts: int, vantages: int, locks: bool
) -> None:
    spent = spending(
        _flow(Lockout(failures=5, window=60, per=per)),
        max_rejected_per_hour=per_hour,
        interval=1,
        accounts=accounts,
        vantages=vantages,
    )

    assert spent is not None
    assert spent.locks is locks


def test_nothing_is_said_where_nothing_is_known() -> None:
    assert spending(_flow(None), max_rejected_per_hour=3, interval=1, accounts=1) is None
