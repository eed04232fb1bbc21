"""One DNS query, to the system's servers or to a named one; its answers as texts."""

import asyncio
from collections.abc import Sequence

import dns.asyncquery
import dns.exception
import dns.message
import dns.rcode
import dns.rdata
import dns.rdatatype
import dns.resolver

from probes import net
from probes.net import Failure
from probes.stopwatch import Stopwatch
from uptimed.core.observations import Answer, Cause, NoAnswer, Observation, Phase
from uptimed.core.targets import DnsTarget, ProbeSettings

_Servers = Sequence[tuple[str, int]]


class DnsProbe:
    """Looks a name up by itself: nothing of the system's caches or hosts file is between."""

    async def __call__(self, settings: ProbeSettings) -> Observation:
        """Make one attempt, within the timeout of *settings*."""
        target = settings.target
        if not isinstance(target, DnsTarget):
            raise TypeError(f"not a DNS target: {target!r}")
        watch = Stopwatch(Phase.DNS)
        servers: _Servers = ()
        outcome: Answer | NoAnswer
        try:
            servers = await _servers(target)
            async with asyncio.timeout(settings.timeout_us / 1_000_000):
                outcome = await _ask(target, servers, settings.timeout_us / 1_000_000)
        except TimeoutError:
            within = f"no answer within {net.seconds(settings.timeout_us)}"
            outcome = _silent(target, servers, within).no_answer()
        except Failure as failure:
            outcome = failure.no_answer()
        took_us = watch.stop()
        address = net.place(*servers[0]) if servers else ""
        return Observation(outcome=outcome, took_us=took_us, phases=watch.phases, address=address)


async def _servers(target: DnsTarget) -> _Servers:
    """Return the servers to ask. Raise `Failure` where this machine has none."""
    if target.server:
        return [_server(target.server, target.port)]
    try:
        system = await asyncio.to_thread(dns.resolver.Resolver)
    except (dns.resolver.NoResolverConfiguration, OSError) as error:
        raise Failure(Cause.LOCAL_DNS, "this machine has no DNS servers configured") from error
    return [(str(server), system.port) for server in system.nameservers]


def _server(text: str, port: int) -> tuple[str, int]:
    """Return address and port of `192.0.2.1`, `192.0.2.1:53`, `::1` or `[::1]:53`."""
    if text.startswith("["):
        address, _, rest = text[1:].partition("]")
        return address, int(rest.removeprefix(":") or port)
    address, _, rest = text.partition(":")
    if ":" in rest or not rest:
        return text, port
    return address, int(rest)


async def _ask(target: DnsTarget, servers: _Servers, timeout_s: float) -> Answer:
    """Ask one server after the other, until one answers."""
    try:
        query = dns.message.make_query(target.name, target.record)
    except (dns.exception.DNSException, ValueError) as error:
        raise Failure(Cause.DNS_NO_NAME, f"cannot ask for {target.name}: {error}") from error
    failure = _silent(target, servers, "no servers")
    for address, port in servers:
        try:
            response, _ = await dns.asyncquery.udp_with_fallback(
                query, address, timeout=timeout_s / len(servers), port=port
            )
        except dns.exception.Timeout:
            failure = _silent(target, [(address, port)], f"no answer within {timeout_s:g} s")
        except OSError as error:
            failure = _unreachable(target, address, port, error)
        except (dns.exception.DNSException, EOFError) as error:
            failure = Failure(Cause.PROTOCOL, f"{net.place(address, port)}: not DNS: {error}")
        else:
            if response.rcode() in (dns.rcode.NOERROR, dns.rcode.NXDOMAIN):
                return _answer(target, response)
            word = dns.rcode.to_text(response.rcode())
            failure = Failure(Cause.DNS_FAILED, f"{net.place(address, port)} answered {word}")
    raise failure


def _silent(target: DnsTarget, servers: _Servers, what: str) -> Failure:
    """Return what silence means: a named server is the target itself, the system's are not."""
    where = ", ".join(net.place(*server) for server in servers) or "DNS"
    return Failure(Cause.READ_TIMEOUT if target.server else Cause.DNS_FAILED, f"{where}: {what}")


def _unreachable(target: DnsTarget, address: str, port: int, error: OSError) -> Failure:
    failure = net.failure_of(error, net.place(address, port), [address])
    return failure if target.server else Failure(Cause.DNS_FAILED, failure.detail)


def _answer(target: DnsTarget, response: dns.message.Message) -> Answer:
    """Return the records of the wanted kind, through aliases. Raise `Failure` where no name is."""
    if response.rcode() == dns.rcode.NXDOMAIN:
        raise Failure(Cause.DNS_NO_NAME, f"{target.name} does not exist")
    wanted = dns.rdatatype.from_text(target.record)
    records = [
        _text(rdata) for rrset in response.answer if rrset.rdtype == wanted for rdata in rrset
    ]
    return Answer(records=tuple(sorted(records)), trusted=bool(target.server))


def _text(rdata: dns.rdata.Rdata) -> str:
    """Return a record as one writes it: the text of a TXT record without its quotes."""
    strings: tuple[bytes, ...] | None = getattr(rdata, "strings", None)
    if strings is not None:
        return b"".join(strings).decode("utf-8", "replace")
    return rdata.to_text()
