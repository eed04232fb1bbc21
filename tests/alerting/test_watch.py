"""What the watchtower makes of the daemon's live picture."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC

import pytest

from tests.core.drawing import REACH, contract_terms, tried, watch_terms
from tests.fakes import FakeClock
from tests.grafana.pictures import Probes, Service, picture
from uptimed.alerting.watch import Watchtower
from uptimed.core.alerts import Alert
from uptimed.core.minutes import MINUTE, Minute, minute_of, start_of
from uptimed.core.observations import SECOND, Attempt, Instant
from uptimed.core.settings import Alerting, ClientSettings, ServiceSettings, Settings
from uptimed.core.silences import Silence
from uptimed.core.snapshot import IncidentView, ProbeView, ServiceView, Snapshot, StoreHealth
from uptimed.core.support import SupportTerms
from uptimed.core.terms import AgreementTerms
from uptimed.ports import StoreError


def _settings(runbook: str = "docs/") -> Settings:
    service = ServiceSettings(
        id="crm", name="CRM", client="acme", probes=(), watch=watch_terms(REACH),
        agreement=AgreementTerms(service="crm"),
    )  # fmt: skip
    client = ClientSettings(
        id="acme", name="ACME", contract=contract_terms(), support=SupportTerms(), language="en",
        zone_name="UTC", zone=UTC, services=(service,),
    )  # fmt: skip
    return Settings(
        journal_path="", vantage="here", clients=(client,),
        alertmanager=Alerting(urls=("http://a",), runbook_url=runbook),
    )  # fmt: skip


class World:
    """A daemon's picture and record, as a test draws them. Minute 0 is 14:00."""

    def __init__(self, *, reference_us: int = 0) -> None:
        self.clock = FakeClock()
        self.start = minute_of(self.clock.now())
        self.view: ServiceView | None = None
        self.probes: Sequence[ProbeView] = ()
        self.hand: list[Attempt] = []
        self.record: list[Attempt] = []
        self.broken = False
        self.asked = 0
        self.store = StoreHealth()
        self.silence: tuple[str, int, int] | None = None  # service, first minute, end
        self.cases: Sequence[IncidentView] = ()
        self.tower = Watchtower(
            _settings(), snapshot=self.snapshot, at_hand=lambda _service: self.hand,
            looks=self.looks, clock=self.clock, silences=self.silences,
            reference_us=reference_us,
        )  # fmt: skip

    def snapshot(self) -> Snapshot:
        views = [self.view] if self.view is not None else []
        found = picture(views, at=self.clock.now(), probes=self.probes)
        return replace(found, store=self.store, incidents=self.cases)

    async def looks(self, service: str, start: Minute, stop: Minute) -> Sequence[Attempt]:
        self.asked += 1
        if self.broken:
            raise StoreError("disk full")
        return self.record

    async def silences(self) -> Sequence[Silence]:
        if self.broken or self.silence is None:
            raise StoreError("disk full")
        service, first, end = self.silence
        return [
            Silence(
                id="S-1", client="acme", service=service, reason="upgrade", by="ana",
                start=start_of(Minute(self.start + first)),
                end=start_of(Minute(self.start + end)), recorded=Instant(0),
            )
        ]  # fmt: skip

    def at(self, attempt: Attempt, number: int) -> Attempt:
        """Return *attempt* in the minute *number* of the story."""
        moment = Instant(start_of(Minute(self.start + number)) + 12 * SECOND)
        return replace(attempt, at=moment, look=moment)

    async def alerts(self, letters: str) -> dict[str, Alert]:
        """Return what is told once *letters* are settled, but for months."""
        self.view = replace(
            Service(letters=letters, service="crm", start=self.start).last(), month=None
        )
        self.clock.stall((self.start + len(letters)) * 60 - self.clock.now() / SECOND)
        found = await self.tower.alerts()
        return {alert.rule.name: alert for alert in found}


async def test_the_evidence_is_of_the_record_even_when_it_is_long_ago() -> None:
    world = World()
    world.record = [world.at(tried("p"), 1), world.at(tried("f", detail="status 500"), 2)]
    told = (await world.alerts("UU" + "D" * 60))["UptimedSystemDown"].annotations
    assert told["evidence"].endswith("status 500")
    assert told["last_good"].startswith("front from here at 2026-10-03 14:01:12Z")


async def test_a_page_waits_some_seconds_for_the_reference_of_its_case() -> None:
    world = World(reference_us=3 * SECOND)
    assert "UptimedSystemDown" not in await world.alerts("UUDD")
    world.clock.stall(1)
    world.cases = [IncidentView(client="acme", service="crm", reference="A-7", severity="")]
    told = {alert.rule.name: alert for alert in await world.tower.alerts()}
    assert told["UptimedSystemDown"].annotations["incident"] == "A-7"


async def test_a_page_goes_out_without_a_reference_where_none_comes() -> None:
    world = World(reference_us=3 * SECOND)
    await world.alerts("UUDD")
    world.clock.stall(3)
    assert "UptimedSystemDown" in {alert.rule.name for alert in await world.tower.alerts()}


async def test_a_page_that_is_out_is_not_taken_back_where_its_outage_began_otherwise() -> None:
    world = World(reference_us=3 * SECOND)
    await world.alerts("UUDD")
    world.clock.stall(3)
    await world.tower.alerts()
    assert "UptimedSystemDown" in await world.alerts("UDDDDDD")


async def test_where_the_record_cannot_be_read_what_is_at_hand_tells() -> None:
    world = World()
    world.broken = True
    world.hand = [world.at(tried("f", detail="status 502"), 2)]
    told = (await world.alerts("UUDD"))["UptimedSystemDown"].annotations
    assert told["evidence"].endswith("status 502")


async def test_the_record_is_asked_once_for_an_outage() -> None:
    world = World()
    world.record = [world.at(tried("f"), 2)]
    for letters in ("UUDD", "UUDDD", "UUDDDD"):
        await world.alerts(letters)
    assert world.asked == 1


async def test_vantages_say_how_they_see_it_now() -> None:
    world = World()
    world.record = world.hand = [world.at(tried("f"), 2)]
    await world.alerts("UUDD")
    world.hand = [world.at(tried("p"), 4)]
    told = (await world.alerts("UUDDU"))["UptimedSystemDown"].annotations
    assert told["vantages"] == "here: passes"


async def test_a_picture_serves_all_who_ask_at_the_same_time() -> None:
    world = World()
    await world.alerts("UUDD")
    assert await world.tower.alerts() is await world.tower.alerts()


async def test_a_service_that_leaves_the_configuration_is_told_of_no_more() -> None:
    world = World()
    assert "UptimedSystemDown" in await world.alerts("UUDD")
    world.tower.use(replace(_settings(), clients=()))
    assert await world.alerts("UUDDD") == {}


async def test_a_reload_changes_where_runbooks_are() -> None:
    world = World()
    world.tower.use(_settings("https://wiki.example/"))
    told = (await world.alerts("UUDD"))["UptimedSystemDown"].annotations
    assert told["runbook_url"] == "https://wiki.example/alerting.md#uptimedsystemdown"


async def test_certificates_are_told_of_with_the_platform_of_their_service() -> None:
    world = World()
    expires = Instant(world.clock.now() + 5 * 1440 * MINUTE)
    world.probes = Probes(of=Service(letters="U", service="crm"), expires=expires).views()
    told = (await world.alerts("UU"))["UptimedCertificateExpires"]
    assert told.labels["platform"] == "crm"


async def test_the_monitors_own_faults_are_told() -> None:
    world = World()
    world.store = StoreHealth(ok=False, error="disk full")
    assert "UptimedStoreFailing" not in await world.alerts("U")
    assert "UptimedStoreFailing" in await world.alerts("UU")


async def test_the_reference_of_an_open_incident_is_in_the_page() -> None:
    world = World()
    world.cases = [
        IncidentView(client="acme", service="crm", reference="ACME-2026-0007", severity="")
    ]
    told = (await world.alerts("UUDD"))["UptimedSystemDown"].annotations
    assert told["incident"] == "ACME-2026-0007"


@pytest.mark.parametrize(
    ("silence", "held"),
    [
        pytest.param(("crm", 0, 60), True, id="its own"),
        pytest.param(("", 0, 60), True, id="every service's"),
        pytest.param(("shop", 0, 60), False, id="another's"),
        pytest.param(("crm", 0, 3), False, id="one that is over"),
    ],
)
async def test_what_somebody_silenced_is_held_back(
    silence: tuple[str, int, int], held: bool
) -> None:
    world = World()
    world.silence = silence
    found = await world.alerts("UUDDDD")
    assert found["UptimedSystemDown"].silenced is held
    assert found["UptimedDrift"].silenced is False  # a ticket wakes nobody


async def test_an_outage_that_was_over_within_a_silence_stays_silenced() -> None:
    world = World()
    world.silence = ("crm", 0, 7)
    assert (await world.alerts("UUDDUU" + "U" * 9))["UptimedSystemDown"].silenced
