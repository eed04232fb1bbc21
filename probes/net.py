"""Names, addresses and connections: what every probe that opens a socket has in common.

It knows which errors of the system are the target's and which are ours, and which addresses a
redirect may never lead to. It does not know any protocol.
"""

import asyncio
import errno
import functools
import ipaddress
import re
import socket
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from uptimed.core.observations import Cause, NoAnswer, Phase
from uptimed.core.targets import IpFamily

_LOOKUPS = 128  # at once; each waits in a thread of its own, for seconds where servers are dead
_LINE = 200  # characters of a detail
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
_ERRNO = re.compile(r"\[Errno (-?\d+)\]")

FAMILIES = {
    IpFamily.ANY: socket.AF_UNSPEC,
    IpFamily.IPV4: socket.AF_INET,
    IpFamily.IPV6: socket.AF_INET6,
}
_FAMILY_WORDS = {IpFamily.ANY: "", IpFamily.IPV4: "IPv4 ", IpFamily.IPV6: "IPv6 "}


class Failure(Exception):
    """There is no answer, for a cause that is already known."""

    def __init__(self, cause: Cause, detail: str) -> None:
        super().__init__(detail)
        self.cause = cause
        self.detail = detail

    def no_answer(self) -> NoAnswer:
        """Return it as the outcome of an attempt."""
        return NoAnswer(cause=self.cause, detail=one_line(self.detail))


def one_line(text: str) -> str:
    """Return *text* on one line, short enough for a pager and without control characters."""
    line = " ".join("".join(c if c.isprintable() else " " for c in text[: 4 * _LINE]).split())
    return line if len(line) <= _LINE else line[: _LINE - 3] + "..."


def seconds(duration_us: int) -> str:
    """Return a duration as a detail says it: `10 s`, `0.25 s`."""
    return f"{duration_us / 1_000_000:g} s"


_WAITED_FOR = {
    Phase.DNS: (Cause.DNS_FAILED, "the servers of its name did not answer"),
    Phase.CONNECT: (Cause.CONNECT_TIMEOUT, "no connection"),
    Phase.TLS: (Cause.TLS_FAILED, "TLS was not established"),
    Phase.FIRST_BYTE: (Cause.READ_TIMEOUT, "connected, but no answer"),
    Phase.TRANSFER: (Cause.READ_TIMEOUT, "the answer did not end"),
}
"""What an attempt waited for in each phase, when its time was up."""


def time_is_up(phase: Phase, where: str, timeout_us: int, *, nobody_asked: bool) -> Failure:
    """Return what it means that the time was up in *phase*.

    *nobody_asked* says that the name was not even asked for, since our own lookups were all busy.
    """
    cause, what = _WAITED_FOR[phase]
    if phase is Phase.DNS and nobody_asked:
        cause, what = Cause.LOCAL_DNS, "all our lookups were busy, none was made"
    return Failure(cause, f"{where}: {what} within {seconds(timeout_us)}")


# ---- addresses


@functools.lru_cache(maxsize=4096)
def ip_of(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """Return the address that *host* is, or None where it is a name."""
    try:
        return ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return None


def is_public(address: str) -> bool:
    """Return whether *address* is one of the public internet's.

    An IPv4 address inside an IPv6 one (mapped, NAT64, 6to4) is judged as what it leads to.
    Loopback, private, link-local (where the clouds' metadata service is), shared, multicast,
    unspecified and reserved addresses are not public.
    """
    ip = ip_of(address)
    if ip is None:
        return False
    if isinstance(ip, ipaddress.IPv6Address):
        inner = ip.ipv4_mapped or ip.sixtofour
        if inner is None and ip in _NAT64:
            inner = ipaddress.IPv4Address(int(ip) & 0xFFFF_FFFF)
        if inner is not None:
            return is_public(str(inner))
        if ip.is_site_local:
            return False
    return ip.is_global and not (ip.is_multicast or ip.is_reserved or ip.is_unspecified)


def is_link_local(address: str) -> bool:
    """Return whether *address* is link-local, or the metadata service of a cloud."""
    ip = ip_of(address)
    if isinstance(ip, ipaddress.IPv6Address) and ip.ipv4_mapped is not None:
        ip = ip.ipv4_mapped
    return ip is not None and (ip.is_link_local or str(ip) == "fd00:ec2::254")


def place(address: str, port: int) -> str:
    """Return address and port as one text."""
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"


# ---- names


_NO_SUCH_NAME = frozenset({socket.EAI_NONAME, socket.EAI_NODATA, socket.EAI_ADDRFAMILY})
_NO_SERVER = frozenset({socket.EAI_AGAIN, socket.EAI_FAIL})


class Resolver:
    """Asks the system for the addresses of names, in threads of its own.

    The system's way is taken (its hosts file, its servers), since it is the way of everyone else
    on this machine. Nothing is cached: each look sees the name as it is. Looks at the same name at
    the same time share one question.
    """

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(_LOOKUPS, thread_name_prefix="resolve")
        self._pending: dict[tuple[str, IpFamily], asyncio.Future[list[str] | OSError]] = {}
        self._asked: set[tuple[str, IpFamily]] = set()

    def close(self) -> None:
        """Take no more questions; those that are being asked end by themselves."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def is_waiting_here(self, host: str, family: IpFamily) -> bool:
        """Return whether the question still waits for a thread of ours: nobody was asked yet."""
        key = (host, family)
        return key in self._pending and key not in self._asked

    async def addresses(self, host: str, family: IpFamily) -> list[str]:
        """Return the addresses of *host*, at least one, the best first. Raise `Failure`."""
        if ip_of(host) is not None:
            check_literal(host, family)
            return [host]
        found = await asyncio.shield(self._question((host, family)))
        if isinstance(found, OSError):
            raise _failure_of_lookup(found, host, family) from found
        return found

    def _question(self, key: tuple[str, IpFamily]) -> asyncio.Future[list[str] | OSError]:
        pending = self._pending.get(key)
        if pending is None:
            loop = asyncio.get_running_loop()
            pending = loop.run_in_executor(self._threads, self._look_up, key)
            self._pending[key] = pending
            pending.add_done_callback(lambda _: self._forget(key))
        return pending

    def _forget(self, key: tuple[str, IpFamily]) -> None:
        self._pending.pop(key, None)
        self._asked.discard(key)

    def _look_up(self, key: tuple[str, IpFamily]) -> list[str] | OSError:
        """Ask the system, in a thread: an error is returned, for those who may no longer wait."""
        self._asked.add(key)
        host, family = key
        try:
            found = socket.getaddrinfo(host, None, FAMILIES[family], socket.SOCK_STREAM)
        except UnicodeError:
            return socket.gaierror(socket.EAI_NONAME, "not a name")
        except OSError as error:
            return error
        return list(dict.fromkeys(str(sockaddr[0]) for *_, sockaddr in found))


def check_literal(host: str, family: IpFamily) -> None:
    """Raise `Failure` where *host* is an address of another family than *family*."""
    ip = ip_of(host)
    if ip is not None and family is not IpFamily.ANY and f"ipv{ip.version}" != family:
        raise Failure(Cause.DNS_NO_NAME, f"{host} is no {_FAMILY_WORDS[family]}address")


def _failure_of_lookup(error: OSError, host: str, family: IpFamily) -> Failure:
    """Return what a failed lookup means.

    That a name does not exist is the target's affair. That its servers do not answer may be the
    target's or our resolver's, which only the caller can tell, who knows other names.
    """
    word = _FAMILY_WORDS[family]
    if error.errno == socket.EAI_NONAME:
        return Failure(Cause.DNS_NO_NAME, f"{host} does not exist")
    if error.errno in _NO_SUCH_NAME:
        return Failure(Cause.DNS_NO_NAME, f"{host} has no {word}address")
    if error.errno in _NO_SERVER:
        return Failure(Cause.DNS_FAILED, f"{host} cannot be resolved: {error.strerror}")
    return Failure(Cause.LOCAL_DNS, f"our resolver is broken: {error.strerror or error}")


# ---- errors of the system


_CAUSES: dict[int, tuple[Cause, str]] = {
    errno.ECONNREFUSED: (Cause.REFUSED, "connection refused"),
    errno.ECONNRESET: (Cause.RESET, "connection reset"),
    errno.EPIPE: (Cause.RESET, "connection closed by the other side"),
    errno.ECONNABORTED: (Cause.RESET, "connection aborted"),
    errno.ETIMEDOUT: (Cause.CONNECT_TIMEOUT, "the system gave up connecting"),
    errno.EHOSTUNREACH: (Cause.UNREACHABLE, "no route to the host"),
    errno.EHOSTDOWN: (Cause.UNREACHABLE, "the host is down"),
    errno.ENETUNREACH: (Cause.UNREACHABLE, "its network is unreachable"),
    errno.ENETDOWN: (Cause.LOCAL_ADDRESS, "our network is down"),
    errno.EADDRNOTAVAIL: (Cause.LOCAL_ADDRESS, "no address or port left here"),
    errno.EAFNOSUPPORT: (Cause.LOCAL_ADDRESS, "this family of addresses is not supported here"),
    errno.EPERM: (Cause.LOCAL_ADDRESS, "this machine does not let us connect"),
    errno.EACCES: (Cause.LOCAL_ADDRESS, "this machine does not let us connect"),
    errno.EMFILE: (Cause.LOCAL_RESOURCES, "no file descriptors left here"),
    errno.ENFILE: (Cause.LOCAL_RESOURCES, "no file descriptors left here"),
    errno.ENOBUFS: (Cause.LOCAL_RESOURCES, "no network buffers left here"),
    errno.ENOMEM: (Cause.LOCAL_RESOURCES, "no memory left here"),
}
"""What an error of a socket means; the first here is the most telling of several."""


def failure_of(error: OSError, where: str, addresses: Sequence[str] = ()) -> Failure:
    """Return what *error*, met while connecting to or talking with *where*, means.

    An error that stands for several attempts (one an address) means the most telling of them.
    *addresses* are those that were tried: a network that is unreachable because this machine has
    no route to any of them at all is our trouble, not the target's.
    """
    codes = {error.errno} if error.errno else {int(code) for code in _ERRNO.findall(str(error))}
    if isinstance(error, ConnectionResetError | BrokenPipeError | ConnectionAbortedError):
        codes.add(errno.ECONNRESET)
    for code, (cause, text) in _CAUSES.items():
        if code not in codes:
            continue
        if code == errno.ENETUNREACH and addresses and not any(map(has_route, addresses)):
            return Failure(Cause.LOCAL_ADDRESS, f"{where}: this machine has no route there")
        return Failure(cause, f"{where}: {text}")
    return Failure(Cause.UNREACHABLE, f"{where}: {error.strerror or error}")


def has_route(address: str) -> bool:
    """Return whether this machine has a route to *address*; nothing is sent."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as sock:
            sock.connect((address, 9))
    except OSError:
        return False
    return True


# ---- connections


@dataclass(frozen=True, slots=True)
class Connected:
    """A connected socket, and where to."""

    sock: socket.socket
    address: str


async def connect(addresses: Sequence[str], port: int, timeout_s: float) -> Connected:
    """Connect to the first of *addresses* that lets us, each given its share of *timeout_s*.

    Raise `Failure`, for the most telling of what went wrong.
    """
    loop = asyncio.get_running_loop()
    deadline = loop.time() + timeout_s
    errors: list[OSError] = []
    for tried, address in enumerate(addresses):
        share = (deadline - loop.time()) / (len(addresses) - tried)
        try:
            async with asyncio.timeout(share):
                return Connected(await _open(address, port), address)
        except TimeoutError:
            errors.append(OSError(errno.ETIMEDOUT, "nothing"))
        except OSError as error:
            errors.append(error)
    where = place(addresses[-1], port)
    if all(error.errno == errno.ETIMEDOUT for error in errors):
        raise Failure(Cause.CONNECT_TIMEOUT, f"{where}: no connection within {timeout_s:g} s")
    raise failure_of(OSError(", ".join(map(str, errors))), where, addresses) from errors[0]


async def _open(address: str, port: int) -> socket.socket:
    sock = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_STREAM)
    try:
        sock.setblocking(False)  # noqa: FBT003 - the socket's own signature
        await asyncio.get_running_loop().sock_connect(sock, (address, port))
    except BaseException:
        sock.close()
        raise
    return sock
