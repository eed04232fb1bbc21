"""What is in the points, and that what is sent again overwrites what is there."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.stores.influx_double import Key, Point, Value, parsed, store
from tests.stores.making import ATTEMPTS, NOON, attempt, letters
from uptimed.core.minutes import Minute, minute_of
from uptimed.core.observations import Attempt, Evidence, Outcome, Phase
from uptimed.core.outages import Outage
from uptimed.core.terms import ProbeTerms, Role, WatchTerms
from uptimed.ports import Batch, ConfigRecord
from uptimed.stores import influx_points as points
from uptimed.stores.influx_points import Catalogue, Owner
from uptimed.stores.influx_source import Parcel, Source
from uptimed.stores.ledger import Ledger

CATALOGUE = Catalogue(vantage="local", owners={"acme-crm": Owner("acme", "DL")})
NS = 60_000_000_000


def look(given: Attempt, kind: str = "http", role: str = "reach") -> Point:
    return parsed(points.look_line(given, "acme", kind, role))


def test_a_look_has_the_tags_that_identify_it_and_figures_to_draw() -> None:
    point = look(
        attempt(
            outcome=Outcome.FAIL, cause="status", detail='status 503, wanted "200"',
            phases={Phase.DNS: 900, Phase.FIRST_BYTE: 70_000}, certificate_expires=5_000_000,
            evidence=Evidence(status=503, excerpt="<p>Mr Smith</p>"), account=2, secret="ab12",
        )
    )  # fmt: skip
    assert point.measurement == "uptimed_look"
    assert point.tags == {
        "account": "2", "client": "acme", "kind": "http", "probe": "front", "role": "reach",
        "service": "acme-crm", "vantage": "local",
    }  # fmt: skip
    assert point.fields == {
        "outcome": "fail", "passed": 0, "failed": 1, "measured": 1, "lag_us": 0,
        "took_us": 183_000, "dns_us": 900, "first_byte_us": 70_000,
        "certificate_expires_us": 5_000_000, "status": 503, "cause": "status",
        "detail": 'status 503, wanted "200"', "fingerprint": "ab12",
    }  # fmt: skip
    assert point.at == NOON * NS


@pytest.mark.parametrize(
    ("outcome", "figures"),
    [
        (Outcome.PASS, (1, 0, 1)),
        (Outcome.FAIL, (0, 1, 1)),
        (Outcome.MAINTENANCE, (0, 1, 1)),
        (Outcome.REJECTED, (0, 0, 0)),
        (Outcome.BLOCKED, (0, 0, 0)),
        (Outcome.NOT_MEASURED, (0, 0, 0)),
    ],
)
def test_an_outcome_is_passed_failed_or_not_measured(
    outcome: Outcome, figures: tuple[int, int, int]
) -> None:
    fields = look(attempt(outcome=outcome)).fields
    assert (fields["passed"], fields["failed"], fields["measured"]) == figures


def test_attempts_at_one_instant_with_different_accounts_are_two_points() -> None:
    keys = {look(attempt(account=n)).key for n in (0, 1, 2)}
    assert len(keys) == 3


@pytest.mark.property
@given(one=ATTEMPTS, other=ATTEMPTS)
def test_points_are_the_same_exactly_where_the_attempts_are(one: Attempt, other: Attempt) -> None:
    def identity(a: Attempt) -> object:
        return a.service, a.probe, a.vantage, a.at, a.account

    assert (look(one).key == look(other).key) is (identity(one) == identity(other))


def test_evidence_but_for_its_status_stays_at_home() -> None:
    kept = Evidence(status=503, headers={"X": "Mr Smith"}, excerpt="Mr Smith", marker="Mr Smith")
    assert "Smith" not in points.look_line(attempt(evidence=kept), "acme", "http", "reach")


@pytest.mark.parametrize(
    ("mark", "letter", "code", "one", "down", "unverified"),
    [
        ("N", "N", 0, "not_measured", 0, 0),
        ("U", "U", 1, "up", 0, 0),
        ("u", "U", 1, "up", 0, 1),
        ("G", "G", 2, "degraded", 0, 0),
        ("g", "G", 2, "degraded", 0, 1),
        ("L", "L", 3, "login_failure", 1, 0),
        ("D", "D", 4, "system_down", 1, 0),
    ],
)
def test_a_letter_is_a_text_a_code_and_one_of_five_figures(
    mark: str, letter: str, code: int, one: str, down: int, unverified: int
) -> None:
    of = points.service_series(points.MINUTE_OF, "acme", "acme-crm", "local")
    point = parsed(points.minute_line(of, NOON, mark, "DL"))
    names = ("up", "degraded", "system_down", "login_failure", "not_measured")
    assert point.fields == {
        "letter": letter, "code": code, "down": down, "unverified": unverified,
        **{name: int(name == one) for name in names},
    }  # fmt: skip
    assert point.tags == {"client": "acme", "service": "acme-crm", "vantage": "local"}


def test_what_counts_as_down_is_the_contracts() -> None:
    of = points.service_series(points.MINUTE_OF, "acme", "acme-crm", "local")
    assert parsed(points.minute_line(of, NOON, "g", "DLG")).fields["down"] == 1


def test_an_outage_has_all_of_its_fields_whether_it_goes_on_or_not() -> None:
    ended = Outage(
        start=NOON, stop=Minute(NOON + 3), down=(NOON, Minute(NOON + 1)), kind="system_down",
        counted=True,
    )  # fmt: skip
    going_on = Outage(start=NOON, stop=None, down=(NOON,), kind="login_failure", counted=True)
    of = points.service_series(points.OUTAGE, "acme", "acme-crm", "local")
    first, second = parsed(points.outage_line(of, ended)), parsed(points.outage_line(of, going_on))
    assert first.fields == {
        "minutes": 2, "open": 0, "ended_ms": (NOON + 3) * 60_000, "kind": "system_down",
        "title": "system down, 2 minutes",
    }  # fmt: skip
    assert second.fields == {
        "minutes": 1, "open": 1, "ended_ms": 0, "kind": "login_failure",
        "title": "urgent login failure, 1 minute, going on",
    }  # fmt: skip
    withdrawn = parsed(points.withdrawn_line(of, NOON))
    assert withdrawn.key == first.key and withdrawn.fields.keys() == first.fields.keys()
    assert withdrawn.fields["minutes"] == 0


# Of what the journal has, what is sent.


class There:
    """A server that has what was sent, and a follower that can be killed."""

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger
        self.points: dict[Key, dict[str, Value]] = {}
        self.sent = 0
        self.position = 0
        self.source = self._new()

    def _new(self) -> Source:
        return Source(self.ledger.reader, CATALOGUE, "outages/")

    def kill(self) -> None:
        self.source = self._new()

    def send(self, limit: int = 10_000, *, part: int | None = None) -> Parcel:
        """Send the next letters; with *part* only so many lines of them, and be killed then."""
        parcel = self.source.letters(self.position, limit)
        names = {self.source.begun_cursor(s): int(m) for s, m in parcel.begun.items()}
        self.ledger.write(Batch(cursors=names))
        for line in parcel.lines[:part]:
            store(self.points, parsed(line))
            self.sent += 1
        if part is None:
            parcel.done()
            self.position = parcel.end
        else:
            done = parcel.cursors[:part]
            self.position = max(self.position, *done) if done else self.position
            self.kill()
        return parcel

    def drain(self, limit: int = 10_000) -> None:
        while self.send(limit).full:
            pass

    def letters(self) -> dict[int, str]:
        return {
            at // NS: points.mark_of(str(of["letter"]), unverified=bool(of["unverified"]))
            for (measurement, _, at), of in self.points.items()
            if measurement == points.MINUTE_OF
        }

    def outages(self) -> dict[int, tuple[Value, Value]]:
        return {
            at // NS: (of["minutes"], of["ended_ms"])
            for (measurement, _, at), of in self.points.items()
            if measurement == points.OUTAGE and of["minutes"]
        }


def wanted(ledger: Ledger) -> tuple[dict[int, str], dict[int, tuple[int, int]]]:
    span = ledger.reader.span("acme-crm")
    if span is None:
        return {}, {}
    strip = ledger.reader.letters("acme-crm", Minute(span.start), Minute(span.stop))
    outages = points.outages_of(strip, "DL")
    return dict(enumerate(strip.letters, span.start)), {
        o.start: (len(o.down), 0 if o.stop is None else o.stop * 60_000) for o in outages
    }


def test_a_minute_that_is_there_is_not_sent_again(tmp_path: Path) -> None:
    with Ledger.open(tmp_path / "uptimed.db") as ledger:
        there = There(ledger)
        for n in range(30):
            ledger.write(letters("U", NOON + n))
            there.drain()
        assert there.sent == 30 + 30 + 1  # minutes, the hour with each, and the day


def test_minutes_to_come_are_not_sent_as_not_measured(tmp_path: Path) -> None:
    with Ledger.open(tmp_path / "uptimed.db") as ledger:
        there = There(ledger)
        ledger.write(letters("UU", NOON + 5))
        ledger.write(letters("D", NOON + 9))
        there.drain()
        assert there.letters() == {
            NOON + 5: "U", NOON + 6: "U", NOON + 7: "N", NOON + 8: "N", NOON + 9: "D",
        }  # fmt: skip


def test_an_outage_grows_and_ends_and_stays_one(tmp_path: Path) -> None:
    with Ledger.open(tmp_path / "uptimed.db") as ledger:
        there = There(ledger)
        for n, letter in enumerate("UDDNDU"):
            ledger.write(letters(letter, NOON + 58 + n))  # over the end of an hour
            there.drain()
        assert there.outages() == {NOON + 59: (3, (NOON + 63) * 60_000)}


def test_an_outage_that_late_looks_disprove_is_withdrawn_also_after_a_restart(
    tmp_path: Path,
) -> None:
    with Ledger.open(tmp_path / "uptimed.db") as ledger:
        there = There(ledger)
        ledger.write(letters("UDDU"))
        there.drain()
        assert there.outages() == {NOON + 1: (2, (NOON + 3) * 60_000)}
        there.kill()
        ledger.write(letters("UUUU"))
        there.drain()
        assert there.outages() == {}


def test_an_outage_that_began_in_the_hour_before_is_one(tmp_path: Path) -> None:
    with Ledger.open(tmp_path / "uptimed.db") as ledger:
        there = There(ledger)
        ledger.write(letters("U" * 60 + "NDDU"))
        there.drain()
        there.kill()
        ledger.write(letters("D", NOON + 59))
        there.drain()
        assert there.outages() == {NOON + 59: (3, (NOON + 63) * 60_000)}


_CHANGES = st.lists(
    st.tuples(
        st.integers(0, 200),
        st.text("UUuDDLNG", min_size=1, max_size=70),
        st.sampled_from(["drain", "drain", "kill", "part", "later"]),
        st.integers(0, 40),
    ),
    min_size=1,
    max_size=8,
)


@pytest.mark.property
@pytest.mark.slow
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(changes=_CHANGES)
def test_whatever_changes_and_whenever_it_is_killed_letters_and_outages_are_there_as_they_are(
    tmp_path_factory: pytest.TempPathFactory, changes: list[tuple[int, str, str, int]]
) -> None:
    with Ledger.open(tmp_path_factory.mktemp("j") / "uptimed.db") as ledger:
        there = There(ledger)
        for at, text, then, part in changes:
            ledger.write(letters(text, NOON + at))
            match then:
                case "drain":
                    there.drain(limit=64)
                case "kill":
                    there.drain()
                    there.kill()
                case "part":
                    there.send(part=part)
                case _:
                    pass
        there.drain()
        letters_wanted, outages_wanted = wanted(ledger)
        found = there.letters()
        assert {m: found.get(m, "N") for m in letters_wanted} == letters_wanted
        assert there.outages() == outages_wanted


def _terms(role: Role, since: int) -> ConfigRecord:
    watch = WatchTerms(
        service="acme-crm", probes=(ProbeTerms(id="front", role=role, kind="http"),),
        need={role: 1}, vantages=("local",), min_vantages=1,
    )  # fmt: skip
    return ConfigRecord(
        service="acme-crm", since=Minute(since), sha256=watch.digest(), canonical=watch.canonical()
    )


def test_kind_and_role_are_those_in_force_at_the_look(tmp_path: Path) -> None:
    with Ledger.open(tmp_path / "uptimed.db") as ledger:
        ledger.write(Batch(configs=[_terms(Role.REACH, NOON), _terms(Role.FUNCTION, NOON + 10)]))
        ledger.write(Batch(attempts=[attempt(NOON + n) for n in (-5, 0, 9, 10, 20)]))
        parcel = Source(ledger.reader, CATALOGUE, "").looks(0, 100)
        found = [parsed(line).tags["role"] for line in parcel.lines]
        assert found == ["reach", "reach", "reach", "function", "function"]


def test_a_service_nobody_configures_any_more_is_sent_without_what_is_not_known(
    tmp_path: Path,
) -> None:
    with Ledger.open(tmp_path / "uptimed.db") as ledger:
        ledger.write(Batch(attempts=[attempt(service="gone")]))
        parcel = Source(ledger.reader, CATALOGUE, "").looks(0, 100)
        (line,) = parcel.lines
        assert parsed(line).tags == {"probe": "front", "service": "gone", "vantage": "local"}


def test_looks_come_in_pages_and_the_cursor_ends_after_everything(tmp_path: Path) -> None:
    with Ledger.open(tmp_path / "uptimed.db") as ledger:
        ledger.write(Batch(attempts=[attempt(NOON + n) for n in range(5)]))
        ledger.write(letters("UUUUU"))
        source = Source(ledger.reader, CATALOGUE, "")
        first = source.looks(0, 3)
        assert (len(first.lines), first.full, first.end) == (3, True, first.cursors[-1])
        rest = source.looks(first.end, 3)
        assert (len(rest.lines), rest.full, rest.end) == (2, False, ledger.reader.seq())
        assert minute_of(rest.oldest or attempt().at) == NOON + 3
