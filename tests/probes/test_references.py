"""References: whether the world can be reached, and whether our clock can be believed."""

from datetime import UTC, datetime
from email.utils import format_datetime

import pytest

from probes.references import References
from tests.probes import servers
from tests.probes.conftest import ContextOf, FakeResolver
from tests.probes.servers import response, serving
from uptimed.core.minutes import instant_of
from uptimed.core.observations import Instant
from uptimed.core.targets import TlsOptions

NOON = datetime(2026, 10, 3, 12, 0, 0, tzinfo=UTC)


class NoonClock:
    """A clock that stands at noon."""

    def now(self) -> Instant:
        return instant_of(NOON)

    def monotonic(self) -> int:
        return 0

    async def sleep(self, duration_us: int) -> None:
        raise NotImplementedError


def asking(resolver: FakeResolver, *references: str, tls: TlsOptions | None = None) -> References:
    return References(
        references,
        clock=NoonClock(),
        resolver=resolver,
        user_agent="uptimed/test",
        tls=tls or TlsOptions(),
        timeout_s=0.5,
    )


async def test_any_answer_at_all_is_one(
    resolver: FakeResolver, server_context: ContextOf, trusting: TlsOptions
) -> None:
    broken = servers.answering(response(b"broken", "500 Internal Server Error"))
    async with (
        serving(broken) as plain,
        serving(broken, context=server_context()) as secure,
        serving(servers.hanging) as open_port,
    ):
        names = (
            f"http://127.0.0.1:{plain}/",
            f"https://localhost:{secure}/health?x=1",
            f"tcp://127.0.0.1:{open_port}",
        )
        told = await asking(resolver, *names, tls=trusting)()

    assert told.answered == dict.fromkeys(names, True)
    assert told.at == instant_of(NOON)
    assert told.names_resolved is True
    assert not told.all_failed


async def test_none_answers(
    resolver: FakeResolver, server_context: ContextOf, trusting: TlsOptions
) -> None:
    with servers.closed_port() as closed:
        async with (
            serving(servers.hanging) as silent,
            serving(servers.answering(b"SSH-2.0\r\n")) as other,
            serving(servers.hanging, context=server_context("other.example")) as impostor,
        ):
            told = await asking(
                resolver,
                f"tcp://127.0.0.1:{closed}",
                f"http://127.0.0.1:{silent}/",
                f"http://127.0.0.1:{other}/",
                f"https://127.0.0.1:{impostor}/",
                tls=trusting,
            )()

    assert told.all_failed
    assert told.names_resolved is None
    assert told.clock_offset_us is None


async def test_names_that_do_not_resolve_are_told_from_hosts_that_do_not_answer(
    resolver: FakeResolver,
) -> None:
    with servers.closed_port() as closed:
        lost = await asking(resolver, "tcp://lame.example:53", "https://nowhere.example/")()
        deaf = await asking(resolver, "tcp://lame.example:53", f"tcp://localhost:{closed}")()

    assert (lost.all_failed, lost.names_resolved) == (True, False)
    assert (deaf.all_failed, deaf.names_resolved) == (True, True)


@pytest.mark.parametrize(
    ("seconds", "low", "high"), [(0, 0, 1), (40, 40, 41), (-40, -40, -39)], ids=str
)
async def test_the_date_of_an_answer_says_how_far_off_our_clock_is(
    resolver: FakeResolver, seconds: int, low: int, high: int
) -> None:
    theirs = NOON.replace(minute=0)
    date = format_datetime(theirs.fromtimestamp(theirs.timestamp() + seconds, UTC), usegmt=True)
    async with serving(servers.answering(response(Date=date))) as port:
        told = await asking(resolver, f"http://127.0.0.1:{port}/")()

    assert told.clock_offset_us is not None
    assert low * 1_000_000 <= told.clock_offset_us <= high * 1_000_000


async def test_one_wrong_clock_among_three_does_not_count(resolver: FakeResolver) -> None:
    right = servers.answering(response(Date=format_datetime(NOON, usegmt=True)))
    wrong = servers.answering(response(Date=format_datetime(NOON.replace(year=2001), usegmt=True)))
    async with serving(right) as one, serving(wrong) as two, serving(right) as three:
        told = await asking(resolver, *(f"http://127.0.0.1:{p}/" for p in (one, two, three)))()

    assert told.clock_offset_us is not None
    assert abs(told.clock_offset_us) < 1_000_000


async def test_an_answer_without_a_readable_date_is_still_an_answer(
    resolver: FakeResolver,
) -> None:
    async with serving(servers.answering(response(Date="yesterday"))) as port:
        told = await asking(resolver, f"http://127.0.0.1:{port}/")()

    assert list(told.answered.values()) == [True]
    assert told.clock_offset_us is None
