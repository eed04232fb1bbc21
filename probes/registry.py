"""The probes there are, by their kind."""

import functools
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager

from probes.http import HttpProbe
from probes.net import Resolver
from probes.tcp import TcpProbe
from probes.tls import TlsProbe
from probes.transcript import unheard
from uptimed.core.observations import Observation
from uptimed.core.targets import ProbeSettings
from uptimed.ports import Clock, Probe, Secrets


def user_agent_of(version: str) -> str:
    """Return how the monitor names itself to those it looks at."""
    return f"uptimed/{version}"


async def _dns(settings: ProbeSettings) -> Observation:
    """Ask a name server; its library is loaded with the first query, as most never make one."""
    from probes.dns import DnsProbe

    return await DnsProbe()(settings)


@asynccontextmanager
async def probes(
    *,
    secrets: Secrets,
    resolver: Resolver,
    version: str,
    clock: Clock,
    transcripts: bool = False,
    farewell: Callable[[tuple[str, ...]], None] = unheard,
) -> AsyncIterator[Mapping[str, Probe]]:
    """Open the probes, by their kind, in the running loop; close what they hold at the end.

    With *transcripts* the observations of logins hold the whole conversation, masked, and
    *farewell* is told those of the sign-outs at the end.
    """
    agent = user_agent_of(version)
    async with AsyncExitStack() as stack:
        http = HttpProbe(secrets=secrets, resolver=resolver, user_agent=agent)

        @functools.cache
        def login() -> Probe:
            """Make what signs in: loaded with the first login, as a configuration may have none."""
            from probes.login import LoginProbe

            made = LoginProbe(
                secrets=secrets,
                resolver=resolver,
                user_agent=agent,
                clock=clock,
                transcripts=transcripts,
                farewell=farewell,
            )
            return stack.push_async_exit(made)  # to enter it does nothing

        async def sign_in(settings: ProbeSettings) -> Observation:
            return await login()(settings)

        yield {
            "http": await stack.enter_async_context(http),
            "tcp": TcpProbe(resolver=resolver),
            "tls": TlsProbe(resolver=resolver),
            "dns": _dns,
            "login": sign_in,
        }
