"""The pusher: what becomes of alerts with an Alertmanager that is well, ill or away."""

from collections.abc import Sequence
from datetime import UTC, datetime

import pytest

from tests.alerting.double import Double, alertmanager, answer, refuses
from tests.alerting.making import START, VAULT, alert, alerts_of, terms
from tests.fakes import FakeClock
from tests.grafana.servers import free_port
from uptimed.alerting.outbox import Outbox
from uptimed.alerting.pusher import Pusher, cursor_name, delay_us
from uptimed.alerting.server import Answer, Means, Server
from uptimed.core.alerts import Alert
from uptimed.core.minutes import moment_of
from uptimed.core.observations import SECOND
from uptimed.ports import Batch, StoreError

DOWN = "UptimedSystemDown"


class Cursors:
    """Keeps cursors, or cannot."""

    def __init__(self) -> None:
        self.kept: dict[str, int] = {}
        self.full = False

    async def cursor(self, name: str) -> int:
        if self.full:
            raise StoreError("disk full")
        return self.kept.get(name, 0)

    async def write(self, batch: Batch) -> None:
        if self.full:
            raise StoreError("disk full")
        self.kept |= dict(batch.cursors)


class Post:
    """A pusher to one Alertmanager, and the alerts that it finds."""

    def __init__(self, server: Server, clock: FakeClock, cursors: Cursors) -> None:
        self.clock = clock
        self.alerts: Sequence[Alert] = ()
        self.pusher = Pusher("alertmanager-1", server, self._alerts, journal=cursors, clock=clock)
        self.outbox: Outbox | None = None

    async def _alerts(self) -> Sequence[Alert]:
        return self.alerts

    async def turn(self, *, seconds: float = 0) -> float:
        """Let time pass, then one turn; return how long it waits."""
        self.clock.stall(seconds)
        if self.outbox is None:
            self.outbox = self.pusher._outbox = await self.pusher._begun()
        return await self.pusher.turn(self.outbox) / SECOND

    async def letters(self, letters: str, **more: float) -> float:
        """Have the letters from 14:00 on, at the time when the last was judged."""
        self.alerts = alerts_of(letters)
        self.clock.stall(max(0, (START + len(letters)) * 60 - self.clock.now() / SECOND))
        return await self.turn(**more)


def _post(url: str, clock: FakeClock, cursors: Cursors | None = None) -> Post:
    server = Server(url, terms(url), secrets=VAULT, clock=clock, software="1")
    return Post(server, clock, cursors or Cursors())


def _at(double: Double, clock: FakeClock) -> None:
    """Let the double go by *clock*."""

    def now() -> str:
        moment: datetime = moment_of(clock.now()).astimezone(UTC)
        return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")

    double.clock = now


def _told(double: Double, name: str = DOWN) -> list[bool]:
    return [over for told, over in double.told if told == name]


async def test_a_page_goes_out_and_is_taken_back() -> None:
    clock, cursors = FakeClock(), Cursors()
    async with alertmanager() as double:
        _at(double, clock)
        post = _post(double.url, clock, cursors)
        async with post.pusher._server:
            await post.letters("UU")
            await post.letters("UUDD")
            await post.letters("UUDDUU")
            await post.letters("UUDDUUU")
    assert _told(double) == [False, True]
    assert cursors.kept[cursor_name(double.url, "crm")] == START + 5


async def test_a_sign_of_life_goes_out_each_minute_when_there_is_nothing_to_say() -> None:
    clock = FakeClock()
    async with alertmanager() as double:
        post = _post(double.url, clock)
        async with post.pusher._server:
            for _ in range(3):
                await post.turn(seconds=30)
    assert [alerts for _, _, alerts in double.requests] == [[], []]


async def test_one_that_is_away_is_asked_again_and_told_late() -> None:
    clock = FakeClock()
    async with alertmanager() as double:
        _at(double, clock)
        post = _post(double.url, clock)
        async with post.pusher._server:
            await post.letters("UU")
            double.always = answer(503)
            assert [await post.letters("UUDD"), await post.turn(), await post.turn()] == [5, 10, 20]
            view = post.pusher.view()
            assert view.backlog > 0 and view.error == "status 503"
            await post.letters("UUDDUUU")
            assert post.pusher.view().lag_us >= 180 * SECOND
            double.always = None
            await post.letters("UUDDUUUU")
            await post.turn(seconds=121)
            view = post.pusher.view()
            assert (view.backlog, view.lag_us, view.error) == (0, 0, "")
    assert _told(double) == [False, True]
    late = [a for _, _, alerts in double.requests for a in alerts if "late" in a["annotations"]]
    assert late


async def test_a_killed_monitor_ends_what_it_told_and_tells_what_it_could_not() -> None:
    clock, cursors = FakeClock(), Cursors()
    async with alertmanager() as double:
        _at(double, clock)
        first = _post(double.url, clock, cursors)
        async with first.pusher._server:
            await first.letters("UUDD")
        second = _post(double.url, clock, cursors)
        async with second.pusher._server:
            await second.letters("UUDDDD")
        third = _post(double.url, clock, cursors)
        async with third.pusher._server:
            await third.letters("UUDDDDUU DDUU")
            await third.letters("UUDDDDUU DDUUU")
    assert _told(double)[:3] == [False, False, False]  # both runs tell of it, the labels are one's
    keys = {
        tuple(sorted(a["labels"].items()))
        for _, _, alerts in double.requests for a in alerts if a["labels"]["alertname"] == DOWN
    }  # fmt: skip
    assert len(keys) == 1


async def test_an_alert_that_is_refused_holds_no_other_up() -> None:
    clock = FakeClock()
    async with alertmanager() as double:
        double.always = refuses("bad-service")
        post = _post(double.url, clock)
        post.alerts = [alert("UptimedBug", name) for name in ("a", "b", "bad-service", "c")]
        async with post.pusher._server:
            await post.turn()
            assert post.pusher.refused == 1
            assert "UptimedBug of bad-service is refused" in post.pusher.view().error
            assert post.pusher.view().backlog == 0
    taken = {a["labels"]["service"] for _, _, alerts in double.requests for a in alerts}
    assert taken == {"a", "b", "c", "bad-service"}
    assert len([n for n, _ in double.told if n == "UptimedBug"]) >= 3


async def test_an_alert_whose_details_are_refused_goes_without_them() -> None:
    clock = FakeClock()
    async with alertmanager() as double:
        double.always = refuses("evidence", status=413)
        post = _post(double.url, clock)
        post.alerts = [alert("UptimedBug", "crm")]
        async with post.pusher._server:
            await post.turn()
            assert post.pusher.refused == 0
    (bare,) = double.requests[-1][2]
    assert set(bare["annotations"]) == {"summary", "runbook_url"}
    assert double.told == [("UptimedBug", False)]


async def test_too_large_a_request_is_halved_for_good() -> None:
    clock = FakeClock()
    async with alertmanager() as double:
        double.replies.append(answer(413))
        post = _post(double.url, clock)
        post.alerts = [alert("UptimedBug", str(n)) for n in range(8)]
        async with post.pusher._server:
            await post.turn()
            await post.turn(seconds=61)
    assert [len(alerts) for _, _, alerts in double.requests] == [8, 4, 4, 4, 4]


@pytest.mark.parametrize("status", [401, 404, 302, 429, 500])
async def test_whatever_is_wrong_it_goes_on_once_it_was_repaired(status: int) -> None:
    clock = FakeClock()
    async with alertmanager() as double:
        double.replies.extend([answer(status)] * 3)
        post = _post(double.url, clock)
        post.alerts = [alert("UptimedBug", "crm")]
        async with post.pusher._server:
            waits = [await post.turn() for _ in range(4)]
    assert waits == [5, 10, 20, 1]
    assert double.told == [("UptimedBug", False)]


async def test_one_that_asks_for_patience_is_given_it() -> None:
    clock = FakeClock()
    async with alertmanager() as double:
        double.replies.append(answer(429, Retry_After="90"))
        post = _post(double.url, clock)
        async with post.pusher._server:
            assert await post.turn() == 90


def test_waiting_grows_to_half_a_minute() -> None:
    away = Answer(means=Means.LATER)
    assert [delay_us(n, away) // SECOND for n in (1, 2, 3, 4, 99)] == [5, 10, 20, 30, 30]


async def test_a_full_disk_holds_no_page_up() -> None:
    clock, cursors = FakeClock(), Cursors()
    cursors.full = True
    async with alertmanager() as double:
        _at(double, clock)
        post = _post(double.url, clock, cursors)
        async with post.pusher._server:
            await post.letters("UUDD")
            cursors.full = False
            await post.letters("UUDDUU")
    assert _told(double) == [False, True]
    assert cursors.kept[cursor_name(double.url, "crm")] == START + 5


async def test_one_that_is_away_holds_no_other_up() -> None:
    clock = FakeClock()
    async with alertmanager() as double:
        there, away = _post(double.url, clock), _post(f"http://127.0.0.1:{free_port()}", clock)
        there.alerts = away.alerts = [alert("UptimedBug", "crm")]
        async with there.pusher._server, away.pusher._server:
            assert await away.turn() == 5
            assert await there.turn() == 1
    assert double.told == [("UptimedBug", False)]


async def test_each_alertmanager_has_cursors_of_its_own() -> None:
    assert cursor_name("http://a", "crm") != cursor_name("http://b", "crm")
    assert cursor_name("http://a", "crm") != cursor_name("http://a")
