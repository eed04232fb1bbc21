"""What the metrics page counts for the rules."""

from dataclasses import replace

import pytest

from tests.daemon.stories import World, login, web
from tests.grafana.pictures import Probes, Service, drawn, picture
from uptimed.core.minutes import Minute
from uptimed.core.observations import Instant
from uptimed.core.snapshot import ServiceView
from uptimed.core.turns import OutageWatch
from uptimed.metrics import metrics_of


def _shown(name: str, service: Service, label: str) -> dict[str, float]:
    views: list[ServiceView] = [service.last()]
    return {
        sample.labels[label]: sample.value
        for metric in metrics_of(picture(views, at=Instant(0)))
        for sample in metric.samples
        if sample.name == name
    }


def test_down_minutes_are_counted_in_each_window() -> None:
    service = Service(letters=drawn("D*7 U*4000 D*5 U*200 D*3 U*56 D U L D"))
    assert _shown("uptimed_recent_down_minutes", service, "window") == {
        "3m": 2, "5m": 3, "60m": 3, "2h": 6, "6h": 11, "24h": 11, "3d": 18,
    }  # fmt: skip


def test_what_is_older_than_the_window_is_forgotten() -> None:
    service = Service(letters=drawn("DDD U*4319 D"))
    assert _shown("uptimed_recent_down_minutes", service, "window")["3d"] == 1


@pytest.mark.parametrize(
    ("counted", "count"), [("DL", 0), ("DLG", 2)], ids=["degraded is up", "degraded is down"]
)
def test_the_contract_says_which_letters_are_down(counted: str, count: int) -> None:
    service = Service(letters="UUGgU", counted=counted)
    assert _shown("uptimed_recent_down_minutes", service, "window")["5m"] == count


def test_minutes_that_were_not_measured_are_counted() -> None:
    service = Service(letters=drawn("N*20 U*6 NNN"))
    assert _shown("uptimed_recent_not_measured_minutes", service, "window") == {
        "10m": 4, "24h": 23,
    }  # fmt: skip


def test_an_outage_keeps_the_class_that_it_began_with() -> None:
    service = Service(letters="UULLDD")
    assert _shown("uptimed_outage_open", service, "class") == {
        "system_down": 0, "login_failure": 1, "degraded": 0,
    }  # fmt: skip
    assert _shown("uptimed_outage_start_timestamp_seconds", service, "service") == {"acme-crm": 120}


def test_no_outage_began_at_no_time() -> None:
    service = Service(letters="UUDUU")
    assert set(_shown("uptimed_outage_open", service, "class").values()) == {0}
    assert _shown("uptimed_outage_start_timestamp_seconds", service, "service") == {}


def test_refusals_are_counted_from_nought_so_that_the_first_shows() -> None:
    probes = Probes(of=Service(letters="U")).views()
    found = {
        (sample.labels["probe"], sample.labels["outcome"]): sample.value
        for metric in metrics_of(picture([], at=Instant(0), probes=probes))
        for sample in metric.samples
        if sample.name == "uptimed_probe_attempts_total"
    }
    assert (found["login", "rejected"], found["login", "blocked"]) == (0, 0)
    assert ("front", "rejected") not in found


@pytest.mark.parametrize("letters", ["UUUUUUDDUUDUDDU", "DUUUDDNNNUU", "NNNN", "UUUUUUUUUU", "DD"])
@pytest.mark.parametrize("cut", range(3))
def test_letters_fed_at_once_turn_what_they_turn_one_by_one(letters: str, cut: int) -> None:
    at_once, one_by_one = OutageWatch("DL"), OutageWatch("DL")
    last = None
    for number, letter in enumerate(letters):
        last = one_by_one.feed(Minute(number), letter) or last
    first = at_once.feed_all(Minute(0), letters[:cut])
    assert (at_once.feed_all(Minute(cut), letters[cut:]) or first) == last
    assert at_once.since == one_by_one.since


async def test_the_daemon_counts_what_the_contract_does_and_what_is_on_record() -> None:
    world = World()
    world.watch("crm", (web(), world.probe("DUDDUUU")))
    world.services["crm"] = replace(world.services["crm"], down="DLG", platform="eu-cluster-2")
    async with world.running():
        await world.clock.run_for(minutes=4)
    async with world.running() as daemon:
        view = daemon.snapshot().services["crm"]
        assert (view.counted, view.platform) == ("DLG", "eu-cluster-2")
        found = {
            sample.labels["window"]: sample.value
            for metric in metrics_of(daemon.snapshot())
            for sample in metric.samples
            if sample.name == "uptimed_recent_down_minutes"
        }
        assert (found["3m"], found["3d"]) == (2, 3)


@pytest.mark.slow
async def test_three_days_of_letters_are_at_hand_after_a_restart() -> None:
    world = World()
    world.watch("crm", (web(), world.probe("D" + "U" * 300)))
    async with world.running():
        await world.clock.run_for(minutes=185)
    async with world.running() as daemon:
        assert daemon.snapshot().services["crm"].recent.letters.startswith("DUU")


async def test_an_account_is_suspected_only_while_its_last_look_was_refused() -> None:
    world = World()
    probe = world.probe("UURU")
    world.watch("crm", (web(), world.probe()), (login(), probe))
    seen = []
    async with world.running() as daemon:
        for _ in range(4):
            await world.clock.run_for(minutes=1)
            seen.append(daemon.snapshot().probes["crm", "login"].suspected)
    assert seen == [False, False, True, False]
