"""One TCP connection, and where it is asked for one exchange on it."""

import asyncio

from probes import net
from probes.bodies import text_of
from probes.net import Failure
from probes.streams import Dial, stream
from uptimed.core.observations import Answer, NoAnswer, Observation, Phase
from uptimed.core.targets import ProbeSettings, TcpTarget

_ANSWER_LIMIT = 64 * 1024  # bytes


class TcpProbe:
    """Looks over bare TCP."""

    def __init__(self, *, resolver: net.Resolver) -> None:
        self._resolver = resolver

    async def __call__(self, settings: ProbeSettings) -> Observation:
        """Make one attempt, within the timeout of *settings*."""
        target = settings.target
        if not isinstance(target, TcpTarget):
            raise TypeError(f"not a TCP target: {target!r}")
        dial = Dial()
        outcome = await self._bounded(settings, target, dial)
        took_us = dial.watch.stop()
        return Observation(
            outcome=outcome, took_us=took_us, phases=dial.watch.phases, address=dial.address
        )

    async def _bounded(
        self, settings: ProbeSettings, target: TcpTarget, dial: Dial
    ) -> Answer | NoAnswer:
        timeout_s = settings.timeout_us / 1_000_000
        try:
            async with asyncio.timeout(timeout_s):
                return await self._exchange(target, dial, timeout_s)
        except TimeoutError:
            return net.time_is_up(
                dial.watch.phase,
                dial.address or target.host,
                settings.timeout_us,
                nobody_asked=self._resolver.is_waiting_here(target.host, target.family),
            ).no_answer()
        except Failure as failure:
            return failure.no_answer()

    async def _exchange(self, target: TcpTarget, dial: Dial, timeout_s: float) -> Answer:
        """Connect, say what is to be said, and read until the wanted text has come."""
        async with stream(
            dial,
            target.host,
            target.port,
            resolver=self._resolver,
            timeout_s=timeout_s,
            family=target.family,
        ) as (reader, writer):
            try:
                if target.send:
                    writer.write(target.send.encode())
                    await writer.drain()
                received = await _read_until(reader, target.expect.encode(), dial)
            except OSError as error:
                raise net.failure_of(error, dial.address) from error
        return Answer(
            body=text_of(received, ""),
            body_bytes=len(received),
            body_cut=len(received) >= _ANSWER_LIMIT,
        )


async def _read_until(reader: asyncio.StreamReader, wanted: bytes, dial: Dial) -> bytes:
    """Return what came until *wanted* was in it, the other side closed, or it was too much."""
    received = b""
    while wanted and wanted not in received and len(received) < _ANSWER_LIMIT:
        chunk = await reader.read(4096)
        if not chunk:
            break
        if not received:
            dial.watch.enter(Phase.TRANSFER)
        received += chunk
    return received
