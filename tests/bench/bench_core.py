"""How long the core takes for a month: looks to letters, letters to figures.

Each is printed by the minute of a month, beside a floor: the least that Python does for the same
number of characters or attempts.
"""

from collections import Counter
from collections.abc import Callable
from datetime import UTC
from operator import attrgetter
from time import perf_counter

from uptimed.core.chain import attempts_digest
from uptimed.core.figures import figures
from uptimed.core.letters import letters_of
from uptimed.core.lookfile import KnownProbe, read_csv, read_jsonl, write_csv, write_jsonl
from uptimed.core.minutes import MINUTE, Minute, month_minutes
from uptimed.core.observations import SECOND, Attempt, Instant, Outcome
from uptimed.core.outages import outages
from uptimed.core.overlays import overlay
from uptimed.core.strip import Strip
from uptimed.core.terms import AgreementTerms, ContractTerms, ProbeTerms, Role, WatchTerms

_ROUNDS = 5  # the best of them is told: the others measured something else as well
_MONTH = month_minutes(2026, 10, UTC)
_START, _STOP = Minute(_MONTH.start), Minute(_MONTH.stop)
_ROLES = {"front": Role.REACH, "login": Role.LOGIN, "search": Role.FUNCTION}
_TERMS = WatchTerms(
    service="crm",
    probes=tuple(
        ProbeTerms(id=id_, role=role, kind="http", slow_after_us=2 * SECOND)
        for id_, role in _ROLES.items()
    ),
    need=dict.fromkeys(Role, 1),
    vantages=("local",),
    min_vantages=1,
)
_CONTRACT = ContractTerms(
    id="example",
    version="1",
    sha256="",
    zone_name="UTC",
    zone=UTC,
    language="en",
    target_ppm=999_600,
    target="99.96",
)


def _attempts() -> list[Attempt]:
    """Return a month of looks from three probes; every thousandth fails and is confirmed."""
    found: list[Attempt] = []
    for minute in _MONTH:
        for place, probe in enumerate(_ROLES):
            look = Instant(minute * MINUTE + (7 + place) * SECOND)
            fails = (minute + 300 * place) % 1000 == 0
            found.extend(
                Attempt(
                    service="crm",
                    probe=probe,
                    vantage="local",
                    at=Instant(look + 15 * n * SECOND),
                    look=look,
                    outcome=Outcome.FAIL if fails else Outcome.PASS,
                    took_us=180_000,
                )
                for n in range(2 if fails else 1)
            )
    return found


def _best(work: Callable[[], object], times: int = 1) -> float:
    """Return the seconds of the quickest of some rounds of *times* calls, for one call."""
    seconds: list[float] = []
    for _ in range(_ROUNDS):
        start = perf_counter()
        for _ in range(times):
            work()
        seconds.append((perf_counter() - start) / times)
    return min(seconds)


def _tell(name: str, seconds: float, floor: float, floor_name: str) -> None:
    each = seconds / len(_MONTH) * 1e9
    print(
        f"{name:<34} {seconds * 1e3:9.2f} ms a month {each:9.1f} ns a minute "
        f"{seconds / floor:8.1f} x {floor_name} ({floor * 1e3:.2f} ms)"
    )


def main() -> None:
    """Measure and print."""
    attempts = _attempts()
    look = attrgetter("look")
    by_look = _best(lambda: sorted(attempts, key=look))
    letters = letters_of(attempts, _TERMS, _START, _STOP)
    _tell(
        "letters of three probes",
        _best(lambda: letters_of(attempts, _TERMS, _START, _STOP)),
        by_look,
        "sorting the attempts",
    )

    counting = _best(lambda: Counter(letters.letters), 20)
    folding = _best(lambda: letters.letters.translate({ord("u"): "U", ord("g"): "G"}), 20)
    agreement = AgreementTerms(service="crm")
    over = overlay(_CONTRACT, agreement, _MONTH, _START, _STOP)
    found = outages(letters, over, down="DL")

    def month(strip: Strip) -> object:
        laid = overlay(_CONTRACT, agreement, _MONTH, _START, _STOP)
        seen = outages(strip, laid, down="DL")
        return figures(strip, laid, seen, _CONTRACT, has_login=True)

    _tell("outages", _best(lambda: outages(letters, over, down="DL")), counting, "Counter")
    _tell(
        "figures",
        _best(lambda: figures(letters, over, found, _CONTRACT, has_login=True), 20),
        folding,
        "str.translate",
    )
    _tell("overlay, outages and figures", _best(lambda: month(letters)), counting, "Counter")
    quiet = Strip(_START, "U" * len(_MONTH))
    _tell("the same of a month without fails", _best(lambda: month(quiet), 20), counting, "Counter")
    _tell("digest of the looks", _best(lambda: attempts_digest(attempts)), by_look, "sorting")

    known = {"crm": {id_: KnownProbe(login=role is Role.LOGIN) for id_, role in _ROLES.items()}}
    now = Instant(_STOP * MINUTE)
    jsonl, table = list(write_jsonl(attempts)), [f"{row}\n" for row in write_csv(attempts)]
    _tell(
        "reading JSONL",
        _best(lambda: list(read_jsonl(jsonl, known, now))),
        by_look,
        "sorting the attempts",
    )
    _tell(
        "reading CSV",
        _best(lambda: list(read_csv(table, known, now))),
        by_look,
        "sorting the attempts",
    )


if __name__ == "__main__":
    main()
