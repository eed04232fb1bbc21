"""A stream to a host, over plain TCP or TLS, for the probes that speak for themselves."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from probes import net
from probes.stopwatch import Stopwatch
from probes.tlscontext import failure_of_tls, watching
from uptimed.core.observations import Phase
from uptimed.core.targets import IpFamily


class Dial:
    """How one connection came about: its phases, its peer, and the certificate it was shown."""

    def __init__(self) -> None:
        self.watch = Stopwatch(Phase.DNS)
        self.address = ""
        self.certificate: bytes | None = None

    def handshake_began(self) -> None:
        """TCP stands."""
        self.watch.enter(Phase.TLS)

    def handshake_ended(self, der: bytes | None) -> None:
        """TLS stands or has failed."""
        self.certificate = der


@asynccontextmanager
async def stream(
    dial: Dial,
    host: str,
    port: int,
    *,
    resolver: net.Resolver,
    timeout_s: float,
    family: IpFamily = IpFamily.ANY,
    context: ssl.SSLContext | None = None,
    server_name: str = "",
) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """Connect to *host*, with TLS where *context* is given. Raise `Failure`.

    *dial* is filled in as far as it got. The caller owns the timeout of it all; *timeout_s* is
    what the addresses of the host share.
    """
    addresses = await resolver.addresses(host, family)
    dial.watch.enter(Phase.CONNECT)
    dial.address = net.place(addresses[0], port)
    connected = await net.connect(addresses, port, timeout_s)
    dial.address = net.place(connected.address, port)
    token = watching.set(dial)
    try:
        reader, writer = await asyncio.open_connection(
            sock=connected.sock,
            ssl=context,
            server_hostname=(server_name or host).rstrip(".") if context else None,
        )
    except ssl.SSLError as error:
        raise failure_of_tls(error, server_name or host, dial.certificate) from error
    except OSError as error:
        raise net.failure_of(error, dial.address) from error
    finally:
        watching.reset(token)
    dial.watch.enter(Phase.FIRST_BYTE)
    try:
        yield reader, writer
    finally:
        writer.transport.abort()
