"""Says in sentences what a configuration would do."""

from collections.abc import Iterable, Iterator

from uptimed.config.explain_support import LETTERS, support_lines
from uptimed.config.mistakes import Remark
from uptimed.config.probes import worst_look_us
from uptimed.config.values import say_duration
from uptimed.core.minutes import MINUTE, MINUTES_PER_DAY
from uptimed.core.observations import SECOND
from uptimed.core.settings import ClientSettings, Mailing, Security, ServiceSettings, Settings
from uptimed.core.targets import (
    DnsTarget,
    HttpTarget,
    LoginTarget,
    ProbeSettings,
    TcpTarget,
    TlsTarget,
)
from uptimed.core.terms import PPM, AttemptRule, ContractTerms, Role

_RULES = {
    AttemptRule.CONFIRMED: "a look fails when more of its attempts failed than passed",
    AttemptRule.ALL: "a look fails when all of its attempts failed",
    AttemptRule.SINGLE: "a look fails when its first attempt failed",
}


def explain(settings: Settings, remarks: Iterable[Remark] = ()) -> list[str]:
    """Return what would run, then the *remarks*: a sentence per line, indented by level."""
    return [*_lines(settings), *(f"Warning: {remark}" for remark in remarks)]


def _lines(settings: Settings) -> Iterator[str]:
    services = settings.services
    probes = sum(len(service.probes) for service in services)
    clients = len(settings.clients)
    yield (
        f"{_count(clients, 'client')}, {_count(len(services), 'service')} and "
        f"{_count(probes, 'probe')}, looked at from vantage {settings.vantage}."
    )
    yield (
        f"The journal is {settings.journal_path}; looks are kept {settings.retention_days} days, "
        f"and {_sealing(settings)}."
    )
    if settings.references:
        yield f"Whether a fault is our own is asked of {', '.join(settings.references)}."
    if settings.listen_metrics is not None:
        listen = settings.listen_metrics
        host = f"[{listen.host}]" if ":" in listen.host else listen.host
        yield f"Metrics are served on {host}:{listen.port}."
    if settings.heartbeat is not None:
        yield f"The heartbeat is sent every {say_duration(settings.heartbeat.every_us)}."
    if settings.influxdb is not None:
        influx = settings.influxdb
        yield (
            f"Looks go to {influx.bucket_looks} and letters to {influx.bucket_letters} at "
            f"{influx.url}, organisation {influx.org}."
        )
        if influx.settle and _elsewhere(settings):
            yield (
                f"The looks of {', '.join(_elsewhere(settings))} come from there; a minute waits "
                f"for them up to {say_duration(influx.settle_after_us)}."
            )
    if settings.alertmanager is not None:
        yield f"Alerts are pushed to {' and '.join(settings.alertmanager.urls)}."
    if settings.mail is not None:
        yield from _mail(settings.mail)
    if settings.webhook is not None:
        places = _count(len(settings.webhook.urls), "place")
        yield f"Every event of an incident is posted to {places}, signed."
    for client in settings.clients:
        yield from _client(client, mail=settings.mail is not None)


_WAYS = {
    Security.STARTTLS: "STARTTLS, never without",
    Security.TLS: "TLS",
    Security.NONE: "no encryption",
}


def _sealing(settings: Settings) -> str:
    after = f"{say_duration(settings.seal_after_us)} after its end"
    return f"a day is sealed {after}" if settings.seals else f"a day is closed {after}, not sealed"


def _elsewhere(settings: Settings) -> list[str]:
    """Return the other vantages whose looks count."""
    named = {name for service in settings.services for name in service.watch.vantages}
    return sorted(named - {settings.vantage})


def _mail(mail: Mailing) -> Iterator[str]:
    who = f" as {mail.username}" if mail.username else ""
    yield f"Mail goes to {mail.host}:{mail.port} ({_WAYS[mail.security]}){who}, from {mail.sender}."
    held = " or ".join(name.replace("_", " ") for name in mail.hold)
    if held:
        yield f"Reports of months that are {held} are held until somebody approves them."


def _client(client: ClientSettings, *, mail: bool) -> Iterator[str]:
    yield f"Client {client.id} ({client.name}), {client.zone_name}, language {client.language}:"
    for line in (
        *_contract(client.contract),
        *support_lines(client.support, client.contract.house),
    ):
        yield f"  {line}"
    yield f"  {_report(client, mail=mail)}"
    if client.plan:
        yield f"  The plan is {client.plan}."
    if client.notices and client.recipients and mail:
        yield "  They are told of each confirmed outage and of its end."
    for service in client.services:
        for line in _service(service):
            yield f"  {line}"


def _report(client: ClientSettings, *, mail: bool) -> str:
    if not client.recipients:
        return "The report goes to nobody: there are no recipients."
    who = ", ".join(client.recipients)
    if not mail:
        return f"The report is for {who}, by hand: there is no [mail]."
    house = " (house default)" if client.report.house else ""
    return f"The report goes to {who}, on {client.report}{house} of the following month."


def _contract(contract: ContractTerms) -> Iterator[str]:
    down = " and ".join(LETTERS[letter] for letter in contract.down)
    kind = "promised" if contract.promised else "the house reference; the vendor promises nothing"
    yield f"Contract {contract.id}, version {contract.version}: {contract.target} % {kind}."
    if contract.hours is None:
        short, long = (
            allowed_minutes(contract.target_ppm, days * MINUTES_PER_DAY) for days in (30, 31)
        )
        yield (
            f"It counts 24x7, and allows {_count(short, 'minute')} down in a month of 30 days and "
            f"{long} in one of 31."
        )
    else:
        yield "It counts only in the hours that the contract names."
    yield f"Down is {down}; {_RULES[contract.attempt_rule]}."
    if contract.min_consecutive > 1:
        yield f"Outages of fewer than {contract.min_consecutive} minutes do not count."
    if contract.excludes:
        notice = ""
        if contract.maintenance_notice_us is not None:
            notice = f" (announced {say_duration(contract.maintenance_notice_us)} before)"
        yield f"It excludes {' and '.join(contract.excludes)}{notice}."
    else:
        yield "It excludes nothing: maintenance counts like any other minute."
    if contract.house:
        yield f"House readings, not the document's words: {', '.join(contract.house)}."


def allowed_minutes(target_ppm: int, minutes: int) -> int:
    """Return how many of *minutes* may be down, whole minutes."""
    return (PPM - target_ppm) * minutes // PPM


def _service(service: ServiceSettings) -> Iterator[str]:
    stage = "" if service.stage == "production" else f", stage {service.stage}"
    platform = f", on {service.platform}" if service.platform else ""
    yield f"Service {service.id} ({service.name}){stage}{platform}:"
    watch = service.watch
    if service.starts or service.ends:
        since = f" from {service.starts.isoformat()}" if service.starts else ""
        until = f" until {service.ends.isoformat()}, exclusive" if service.ends else ""
        yield f"  In the agreement{since}{until}."
    for role in Role:
        count = sum(probe.role is role for probe in service.probes)
        if count > 1:
            yield f"  {watch.need[role]} of {count} {role} probes must pass."
    if len(watch.vantages) > 1:
        least, names = watch.min_vantages, ", ".join(watch.vantages)
        yield f"  Looked at from {names}; {_count(least, 'vantage')} must have measured."
    for window in service.agreement.maintenance:
        yield f"  Maintenance of {(window.end - window.start) // MINUTE} minutes: {window.reason}."
    for probe in service.probes:
        yield f"  {_probe(probe)}"


def _probe(probe: ProbeSettings) -> str:
    worst = worst_look_us(attempts=probe.attempts, timeout_us=probe.timeout_us, gap_us=probe.gap_us)
    every = "every minute" if probe.interval == 1 else f"every {probe.interval} minutes"
    slow = ""
    if probe.slow_after_us is not None:
        slow = f", degraded when slower than {say_duration(probe.slow_after_us)}"
    return (
        f"{probe.id} ({probe.role}): {_target(probe)}, {every}, a look takes at most "
        f"{worst / SECOND:g} s{slow}."
    )


def _target(probe: ProbeSettings) -> str:
    match probe.target:
        case HttpTarget() as target:
            return f"{target.method} {target.url.partition('?')[0]}"
        case TcpTarget() as target:
            return f"TCP {target.host} port {target.port}"
        case TlsTarget() as target:
            return f"TLS {target.host} port {target.port}"
        case DnsTarget() as target:
            return f"DNS {target.record} of {target.name}"
        case LoginTarget() as target:
            accounts = _count(len(target.accounts), "account")
            return f"login {target.preset} at {target.base_url.partition('?')[0]} with {accounts}"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
