"""One TLS handshake: the chain, the name and the expiry of the certificate."""

import asyncio

from probes import net
from probes.net import Failure
from probes.streams import Dial, stream
from probes.tlscontext import TlsContexts, certificate_of
from uptimed.core.observations import Answer, NoAnswer, Observation, Phase
from uptimed.core.targets import ProbeSettings, TlsTarget


class TlsProbe:
    """Looks at how a host presents itself in TLS; says nothing and reads nothing after that."""

    def __init__(self, *, resolver: net.Resolver) -> None:
        self._resolver = resolver
        self._contexts = TlsContexts()

    async def __call__(self, settings: ProbeSettings) -> Observation:
        """Make one attempt, within the timeout of *settings*."""
        target = settings.target
        if not isinstance(target, TlsTarget):
            raise TypeError(f"not a TLS target: {target!r}")
        dial = Dial()
        outcome = await self._bounded(settings, target, dial)
        took_us = dial.watch.stop()
        dial.watch.phases.pop(Phase.FIRST_BYTE, None)  # none is waited for
        return Observation(
            outcome=outcome,
            took_us=took_us,
            phases=dial.watch.phases,
            certificate=certificate_of(dial.certificate) if dial.certificate else None,
            address=dial.address,
        )

    async def _bounded(
        self, settings: ProbeSettings, target: TlsTarget, dial: Dial
    ) -> Answer | NoAnswer:
        timeout_s = settings.timeout_us / 1_000_000
        try:
            context = await self._contexts.get(target.tls)
            async with (
                asyncio.timeout(timeout_s),
                stream(
                    dial,
                    target.host,
                    target.port,
                    resolver=self._resolver,
                    timeout_s=timeout_s,
                    family=target.family,
                    context=context,
                    server_name=target.tls.server_name,
                ),
            ):
                return Answer(trusted=target.tls.verify)
        except TimeoutError:
            return net.time_is_up(
                dial.watch.phase,
                dial.address or target.host,
                settings.timeout_us,
                nobody_asked=self._resolver.is_waiting_here(target.host, target.family),
            ).no_answer()
        except Failure as failure:
            return failure.no_answer()
