"""From the tables of all files to `Settings`, with the rules between keys.

Every piece is read as far as it can be, and every rule between pieces that can be read is checked,
so that one pass tells all mistakes. Pieces with mistakes never leave this module.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import UTC
from ipaddress import ip_address
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

from uptimed.config.accounts import account_support, check_plan
from uptimed.config.calendars import FOLDER, read_calendar, shipped
from uptimed.config.checking import Checked, Findings, Place, Shape, check, name_of
from uptimed.config.contracts import due_of, find_contract, read_contract
from uptimed.config.mistakes import ConfigError, Remark, Wrong, kind_of, show, suggest
from uptimed.config.paths import absolute, existing, resolved_secret
from uptimed.config.probes import FlowOf, KnownFlows, read_probe
from uptimed.config.reading import Document, Merged, merge, read_documents
from uptimed.config.shapes import (
    ROLES,
    AlertmanagerShape,
    ClientShape,
    HeartbeatShape,
    InfluxShape,
    JournalShape,
    ListenShape,
    LogShape,
    MailShape,
    MaintenanceShape,
    OperatorShape,
    SelfCheckShape,
    ServiceShape,
    VantageShape,
    WebhookShape,
)
from uptimed.config.values import say_duration, zone_of
from uptimed.core.holidays import HolidaySet, freeze
from uptimed.core.minutes import MINUTE, first_minute
from uptimed.core.settings import (
    Alerting,
    ClientSettings,
    Contract,
    Heartbeat,
    Influx,
    Listen,
    Logging,
    Mailing,
    Operator,
    Security,
    ServiceSettings,
    Settings,
    Webhook,
)
from uptimed.core.support import SupportTerms
from uptimed.core.targets import LoginTarget, ProbeSettings, Secret, looks_at, manner
from uptimed.core.terms import (
    PPM,
    AgreementTerms,
    ContractTerms,
    Maintenance,
    ProbeTerms,
    Role,
    WatchTerms,
)

_SECTIONS: dict[str, type[Shape]] = {
    "journal": JournalShape,
    "vantage": VantageShape,
    "self_check": SelfCheckShape,
    "listen": ListenShape,
    "heartbeat": HeartbeatShape,
    "influxdb": InfluxShape,
    "alertmanager": AlertmanagerShape,
    "mail": MailShape,
    "webhook": WebhookShape,
    "operator": OperatorShape,
    "log": LogShape,
}
_ALL_SERVICES = "*"

ShapeT = TypeVar("ShapeT", bound=Shape)


@dataclass(frozen=True, slots=True)
class Loaded:
    """A configuration without mistakes, and what is probably not meant in it."""

    settings: Settings
    remarks: tuple[Remark, ...]
    notes: tuple[Remark, ...] = ()  # what is well, and good to know


def load(
    path: Path, *, flows: Collection[str] | None = None, flow_of: FlowOf | None = None
) -> Loaded:
    """Read the file or directory at *path*. Raise ConfigError with every mistake in it.

    *flows* are the names of the login flows that ship with uptimed; None leaves them unchecked.
    *flow_of* finds a flow and puts settings into it; without it, none is looked at.
    """
    return build(read_documents(path), flows=flows, flow_of=flow_of)


def build(
    documents: tuple[Document, ...],
    *,
    flows: Collection[str] | None = None,
    flow_of: FlowOf | None = None,
) -> Loaded:
    """Return what *documents*, at least one, hold together, as `load` does."""
    findings = Findings()
    merged = merge(documents, findings.mistakes)
    settings = _Builder(merged, documents, findings, flows, flow_of).settings()
    if findings.mistakes:
        raise ConfigError(findings.mistakes)
    return Loaded(settings, tuple(findings.remarks), tuple(findings.notes))


@dataclass(frozen=True, slots=True)
class _Owner:
    """What a service has of its client and of the monitor."""

    client: ClientSettings
    vantage: str
    maintenance: Mapping[str, tuple[Maintenance, ...]]


class _Builder:
    """Builds one configuration; keeps what must be unique over all clients."""

    def __init__(
        self,
        merged: Merged,
        documents: tuple[Document, ...],
        findings: Findings,
        flows: Collection[str] | None,
        flow_of: FlowOf | None,
    ) -> None:
        self._merged = merged
        self._documents = documents
        self._findings = findings
        self._flows = flows
        self._flow_of = flow_of
        self._seen: dict[tuple[str, str], str] = {}
        self._contracts: dict[tuple[str, str, str], Contract | None] = {}
        self._calendars: dict[tuple[str, str], HolidaySet | None] = {}

    def settings(self) -> Settings:
        for name, (document, _) in self._merged.sections.items():
            if name not in _SECTIONS:
                wish = suggest(name, [*_SECTIONS, "clients"])
                self._place(document, name).wrong("an unknown section", wish)
        journal, home = self._section("journal", JournalShape)
        vantage, _ = self._section("vantage", VantageShape)
        self_check, _ = self._section("self_check", SelfCheckShape)
        listen, _ = self._section("listen", ListenShape)
        log, _ = self._section("log", LogShape)
        self._check_references(self_check.shape)
        settings = Settings(
            journal_path=absolute(journal.shape.path, home),
            retention_days=journal.shape.retention_days,
            seal_after_us=journal.shape.seal_after,
            seals=journal.shape.seal,
            made_up=journal.shape.made_up,
            vantage=vantage.shape.name,
            references=self_check.shape.references,
            listen_metrics=Listen(host=listen.shape.metrics[0], port=listen.shape.metrics[1])
            if listen.shape.metrics
            else None,
            heartbeat=self._heartbeat(),
            influxdb=self._influxdb(),
            alertmanager=self._alertmanager(),
            mail=self._mail(),
            webhook=self._webhook(),
            operator=self._operator(),
            logging=Logging(level=log.shape.level, format=log.shape.format),
        )
        clients = self._clients(settings.vantage)
        return replace(settings, clients=clients)

    # Sections.

    def _place(self, document: Document, *parts: str | int) -> Place:
        return Place(str(document.path), "", self._findings).at(*parts)

    def _section(self, name: str, shape: type[ShapeT]) -> tuple[Checked[ShapeT], Document]:
        document, raw = self._merged.sections.get(name, (self._documents[0], {}))
        return check(shape, raw, self._place(document, name)), document

    def _check_references(self, shape: SelfCheckShape) -> None:
        document, _ = self._merged.sections.get("self_check", (self._documents[0], {}))
        place = self._place(document, "self_check", "references")
        if len(set(shape.references)) != len(shape.references):
            place.wrong("a reference twice", "each reference once")
        if len(shape.references) < 2:
            place.remark(
                "fewer than two independent references: a fault of our own network is told from "
                "the targets' only where all targets of this vantage fail in the same minute"
            )

    def _heartbeat(self) -> Heartbeat | None:
        if "heartbeat" not in self._merged.sections:
            return None
        checked, home = self._section("heartbeat", HeartbeatShape)
        shape = checked.shape
        url = resolved_secret(shape.url, home) if isinstance(shape.url, Secret) else shape.url
        return Heartbeat(url=url, every_us=shape.every * MINUTE)

    def _influxdb(self) -> Influx | None:
        if "influxdb" not in self._merged.sections:
            return None
        checked, home = self._section("influxdb", InfluxShape)
        shape, place = checked.shape, self._place(home, "influxdb")
        ca_file = existing(shape.ca_file, home, place.at("ca_file"))
        if checked.bad:
            return None
        if shape.token is None:
            place.at("token").remark("there is none: InfluxDB refuses what comes without a token")
        elif shape.url.startswith("http://") and not _on_this_machine(shape.url):
            place.at("url").remark("http sends the token where others can read it; take https")
        return Influx(
            url=shape.url,
            org=shape.org,
            bucket_looks=shape.bucket_looks,
            bucket_letters=shape.bucket_letters,
            token=resolved_secret(shape.token, home) if shape.token else None,
            ca_file=ca_file,
            batch_size=shape.batch_size,
            timeout_us=shape.timeout,
            connect_timeout_us=shape.connect_timeout,
            settle=shape.settle,
            settle_after_us=shape.settle_after,
            gather_every_us=shape.gather_every,
        )

    def _mail(self) -> Mailing | None:
        if "mail" not in self._merged.sections:
            return None
        checked, home = self._section("mail", MailShape)
        shape, place = checked.shape, self._place(home, "mail")
        ca_file = existing(shape.ca_file, home, place.at("ca_file"))
        if checked.bad:
            return None
        _check_mail(shape, place)
        return Mailing(
            host=shape.host,
            port=shape.port or _MAIL_PORTS[shape.security],
            sender=shape.from_,
            security=shape.security,
            username=shape.username,
            password=resolved_secret(shape.password, home) if shape.password else None,
            ca_file=ca_file,
            reply_to=shape.reply_to,
            hold=shape.hold,
            overdue_after_us=shape.overdue_after,
            give_up_after_us=shape.give_up_after,
            timeout_us=shape.timeout,
        )

    def _alertmanager(self) -> Alerting | None:
        if "alertmanager" not in self._merged.sections:
            return None
        checked, home = self._section("alertmanager", AlertmanagerShape)
        shape, place = checked.shape, self._place(home, "alertmanager")
        ca_file = existing(shape.ca_file, home, place.at("ca_file"))
        _check_alertmanager(checked, place)
        if checked.bad:
            return None
        return Alerting(
            urls=shape.urls,
            username=shape.username,
            password=resolved_secret(shape.password, home) if shape.password else None,
            token=resolved_secret(shape.token, home) if shape.token else None,
            ca_file=ca_file,
            timeout_us=shape.timeout,
            runbook_url=shape.runbook_url,
            generator_url=shape.generator_url,
        )

    def _webhook(self) -> Webhook | None:
        if "webhook" not in self._merged.sections:
            return None
        checked, home = self._section("webhook", WebhookShape)
        shape, place = checked.shape, self._place(home, "webhook", "urls")
        if checked.bad:
            return None
        if not shape.urls:
            place.wrong("an empty list", "a URL, or no [webhook] at all")
        if len(set(shape.urls)) != len(shape.urls):
            place.wrong("a URL twice", "each URL once")
        for url in shape.urls:
            if isinstance(url, str) and url.startswith("http://") and not _on_this_machine(url):
                place.remark("http sends events where others can read them; take https")
        return Webhook(
            urls=tuple(
                resolved_secret(url, home) if isinstance(url, Secret) else url for url in shape.urls
            ),
            secret=resolved_secret(shape.secret, home),
            timeout_us=shape.timeout,
        )

    def _operator(self) -> Operator:
        checked, home = self._section("operator", OperatorShape)
        shape = checked.shape
        logo = existing(shape.logo, home, self._place(home, "operator", "logo"))
        return Operator(name=shape.name, contact=shape.contact, logo=logo, colour=shape.colour)

    # Clients.

    def _clients(self, vantage: str) -> tuple[ClientSettings, ...]:
        if not self._merged.clients:
            place = self._place(self._documents[0], "clients")
            place.remark("there are none: nothing is watched")
        found = []
        places: dict[str, int] = {}
        for document, raw in self._merged.clients:
            file = str(document.path)
            places[file] = places.get(file, 0) + 1
            place = self._place(document, "clients", name_of(raw, places[file] - 1))
            found.append(self._client(raw, place, document, vantage))
        return tuple(found)

    def _client(
        self, raw: object, place: Place, document: Document, vantage: str
    ) -> ClientSettings:
        table = raw if isinstance(raw, Mapping) else {}
        own = _without(raw, "services", "maintenance")
        checked = check(ClientShape, own, place)
        shape = checked.shape
        if checked.good("id"):
            self._once("client", shape.id, place)
        contract = self._contract(checked, place, document)
        zone_name = shape.timezone or contract.terms.zone_name
        services = _tables(table, "services", place)
        support, calendar = self._calendar(contract.support, checked, place, document)
        client = ClientSettings(
            id=shape.id,
            name=shape.name,
            contract=contract.terms,
            calendar_path=calendar,
            support=account_support(
                support,
                shape.agreed if checked.good("agreed") else {},
                place.at("agreed"),
            ),
            plan=shape.plan,
            language=shape.language or contract.terms.language,
            zone_name=zone_name,
            zone=zone_of(zone_name) or contract.terms.zone,
            zone_overridden=shape.timezone is not None,
            recipients=shape.recipients,
            notices=shape.notices,
            report=due_of(shape.report) if shape.report else contract.report,
            logo=existing(shape.logo, document, place.at("logo")),
            colour=shape.colour,
        )
        _check_client(checked, client, place, has_services=bool(services))
        windows = self._maintenance(table, client, services, place)
        built = []
        for number, service in enumerate(services):
            here = place.at("services", name_of(service, number))
            built.append(self._service(service, here, document, _Owner(client, vantage, windows)))
        return replace(client, services=tuple(built))

    def _once(self, kind: str, name: str, place: Place) -> None:
        """Tell of an id that was there before."""
        earlier = self._seen.get((kind, name))
        if earlier is not None:
            where = "" if earlier == place.file else f" ({Path(earlier).name} has it too)"
            wish = f"another id: each {kind} has its own"
            place.at("id").wrong(f"{show(name)} a second time{where}", wish)
        self._seen[kind, name] = place.file

    def _contract(
        self, checked: Checked[ClientShape], place: Place, document: Document
    ) -> Contract:
        shape = checked.shape
        if not checked.good("contract", "timezone"):
            return _NO_CONTRACT
        zone = shape.timezone or ""
        asked = (shape.contract, str(document.path.parent), zone)
        if asked not in self._contracts:
            try:
                found = find_contract(shape.contract, document.path.parent.absolute())
            except Wrong as wrong:
                place.at("contract").wrong(wrong.found, wrong.wanted)
                return _NO_CONTRACT
            except ConfigError as error:
                self._findings.mistakes.extend(error.mistakes)
                self._contracts[asked] = None
                return _NO_CONTRACT
            at = Place(found.file, "", self._findings)
            self._contracts[asked] = read_contract(found.document, at, zone=zone)
        return self._contracts[asked] or _NO_CONTRACT

    def _calendar(
        self,
        support: SupportTerms,
        checked: Checked[ClientShape],
        place: Place,
        document: Document,
    ) -> tuple[SupportTerms, str]:
        """Return *support* with its holidays in it, and the file of those that are approved."""
        terms = support.calendar
        named = checked.shape.calendar_file if checked.good("calendar_file") else ""
        if not terms.holidays:
            if named:
                wish = "nothing: the contract names no set of holidays"
                place.at("calendar_file").wrong(show(named), wish)
            return support, ""
        path = Path(absolute(named or f"{FOLDER}/{terms.holidays}.toml", document))
        holidays = self._holidays(path, terms.holidays)
        if holidays is None:
            return support, str(path)
        return replace(support, calendar=freeze(terms, holidays)), str(path)

    def _holidays(self, path: Path, set_id: str) -> HolidaySet | None:
        """Return the holidays in the file at *path*, else those that ship with us."""
        if not path.exists():
            return shipped(set_id)
        if (str(path), set_id) not in self._calendars:
            try:
                found = read_calendar(path, set_id, self._findings)
            except ConfigError as error:
                self._findings.mistakes.extend(error.mistakes)
                found = None
            self._calendars[str(path), set_id] = found.holidays if found else None
        return self._calendars[str(path), set_id]

    # Services.

    def _service(
        self, raw: object, place: Place, document: Document, owner: _Owner
    ) -> ServiceSettings:
        checked = check(ServiceShape, _without(raw, "probes"), place)
        shape = checked.shape
        if checked.good("id"):
            self._once("service", shape.id, place)
        table = raw if isinstance(raw, Mapping) else {}
        raws = _tables(table, "probes", place)
        looked_from = len(shape.vantages or (owner.vantage,))
        probes = self._probes(raws, place, document, looked_from)
        need = _need(checked, raws, place)
        vantages = shape.vantages or (owner.vantage,)
        _check_vantages(checked, vantages, place)
        self._remark_vantages(vantages, owner.vantage, place)
        _check_term(checked, place)
        _remark_probes(probes, place)
        client = owner.client
        return ServiceSettings(
            id=shape.id,
            name=shape.name,
            client=client.id,
            probes=probes,
            watch=WatchTerms(
                service=shape.id,
                probes=tuple(map(_probe_terms, probes)),
                need=need,
                vantages=vantages,
                min_vantages=shape.min_vantages or len(vantages) // 2 + 1,
                attempt_rule=client.contract.attempt_rule,
            ),
            agreement=AgreementTerms(
                service=shape.id,
                since=first_minute(shape.from_, client.zone) if shape.from_ else None,
                until=first_minute(shape.until, client.zone) if shape.until else None,
                maintenance=(
                    *owner.maintenance.get(_ALL_SERVICES, ()),
                    *owner.maintenance.get(shape.id, ()),
                ),
            ),
            platform=shape.platform,
            stage=shape.stage,
            starts=shape.from_,
            ends=shape.until,
        )

    def _remark_vantages(self, vantages: tuple[str, ...], own: str, place: Place) -> None:
        """Say where looks come from that are not made here."""
        where, others = place.at("vantages"), set(vantages) - {own}
        there = "influxdb" in self._merged.sections
        _, raw = self._merged.sections.get("influxdb", (None, {}))
        settles = there and isinstance(raw, Mapping) and raw.get("settle") is not False
        away = f"this monitor's vantage {show(own)} is not among them"
        if others and settles:
            if own not in vantages:
                where.note(f"{away}: all looks come from InfluxDB")
            return
        if own not in vantages:
            where.remark(away)
        elif others and not there:
            where.remark(
                "looks from elsewhere come only as files: there is no [influxdb] to share them"
            )

    def _probes(
        self, raws: list[object], place: Place, document: Document, vantages: int
    ) -> tuple[ProbeSettings, ...]:
        flows = KnownFlows(self._flows, self._flow_of, vantages)
        seen: set[object] = set()
        found = []
        for number, raw in enumerate(raws):
            name = name_of(raw, number)
            here = place.at("probes", name)
            if name in seen:
                wish = "another id: each probe of a service has its own"
                here.at("id").wrong(f"{show(name)} a second time", wish)
            seen.add(name)
            probe = read_probe(raw, here, document, flows)
            if probe is not None:
                found.append(probe)
        return tuple(found)

    # Maintenance.

    def _maintenance(
        self,
        table: Mapping[str, Any],
        client: ClientSettings,
        services: list[object],
        place: Place,
    ) -> dict[str, tuple[Maintenance, ...]]:
        known = [str(name_of(raw, number)) for number, raw in enumerate(services)]
        found: dict[str, tuple[Maintenance, ...]] = {}
        for number, raw in enumerate(_tables(table, "maintenance", place), start=1):
            here = place.at("maintenance", number)
            checked = check(MaintenanceShape, raw, here)
            shape = checked.shape
            if checked.good("service") and shape.service not in {*known, _ALL_SERVICES}:
                wish = suggest(shape.service, [*known, _ALL_SERVICES])
                here.at("service").wrong(show(shape.service), wish)
            if checked.good("start", "end") and shape.end <= shape.start:
                here.at("end").wrong("an end that is not after the start", "a later end")
            if not checked.bad:
                window = Maintenance(
                    start=shape.start,
                    end=shape.end,
                    announced=shape.announced,
                    reason=shape.reason,
                )
                found[shape.service] = (*found.get(shape.service, ()), window)
                _remark_maintenance(window, client.contract, here)
        return found


_NO_CONTRACT = Contract(
    terms=ContractTerms(
        id="",
        version="",
        sha256="",
        zone_name="UTC",
        zone=UTC,
        language="en",
        target_ppm=PPM,
        target="100",
    ),
    support=SupportTerms(),
)
"""Stands in where the contract has mistakes, so that the rest can be read."""


def _on_this_machine(url: str) -> bool:
    return urlsplit(url).hostname in {"localhost", "127.0.0.1", "::1"}


_MAIL_PORTS = {Security.STARTTLS: 587, Security.TLS: 465, Security.NONE: 25}


def _check_mail(shape: MailShape, place: Place) -> None:
    """Names and passwords go together, and neither they nor reports go where others can read."""
    if (shape.password is None) != (not shape.username):
        there, missing = ("username", "password") if shape.username else ("password", "username")
        place.at(missing).wrong("nothing", f"one that goes with the {there}")
    here = _is_this_machine(shape.host)
    if shape.security is Security.NONE and not here:
        if not shape.allow_unencrypted:
            place.at("security").wrong(
                f"no encryption on the way to {shape.host}",
                '"starttls" or "tls"; or allow_unencrypted = true, on a line of your own',
            )
        if shape.password is not None:
            place.at("password").wrong(
                "a password for a way that is not encrypted", "encryption, or no password"
            )
    if shape.security is Security.STARTTLS and shape.port == 465:
        place.at("port").remark('465 is encrypted from the first byte on: security = "tls"')


def _is_this_machine(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False  # a name, whatever it begins with


def _check_alertmanager(checked: Checked[AlertmanagerShape], place: Place) -> None:
    shape = checked.shape
    if checked.good("urls"):
        if not shape.urls:
            place.at("urls").wrong("an empty list", "at least one Alertmanager, or no section")
        if len(set(shape.urls)) != len(shape.urls):
            place.at("urls").wrong("an Alertmanager twice", "each Alertmanager once")
    if checked.good("username", "password") and bool(shape.username) != bool(shape.password):
        missing = "username" if shape.password else "password"
        place.at(missing).wrong("nothing", "both username and password, or neither")
    if checked.good("token", "username", "password") and shape.token and shape.password:
        place.at("token").wrong("a token beside a password", "one of them")
    secret = shape.password or shape.token
    for url in shape.urls if secret is not None else ():
        if url.startswith("http://") and not _on_this_machine(url):
            place.at("urls").remark("http sends the secret where others can read it; take https")


def _without(raw: object, *keys: str) -> object:
    if not isinstance(raw, Mapping):
        return raw
    return {key: value for key, value in raw.items() if key not in keys}


def _tables(table: Mapping[str, Any], key: str, place: Place) -> list[object]:
    found = table.get(key, [])
    if isinstance(found, list):
        return found
    place.at(key).wrong(kind_of(found), f"a list of tables: [[...{key}]]")
    return []


def _check_client(
    checked: Checked[ClientShape], client: ClientSettings, place: Place, *, has_services: bool
) -> None:
    if not has_services:
        place.at("services").remark("there are none: nothing is watched for this client")
    if len(set(client.recipients)) != len(client.recipients):
        place.at("recipients").wrong("an address twice", "each address once")
    if checked.good("contract", "plan"):
        check_plan(client.support, client.plan, place.at("plan"))
    if client.notices and not client.recipients:
        place.at("notices").remark("nobody gets them: there are no recipients")
    silent_zone = "timezone" in client.contract.house and client.zone_name == "UTC"
    if silent_zone and checked.good("timezone"):
        place.at("timezone").remark(
            f"the contract {client.contract.id} names no zone, so months are those of UTC; "
            "write the client's"
        )


def _need(checked: Checked[ServiceShape], raws: list[object], place: Place) -> dict[Role, int]:
    """Return how many probes of each role must pass, telling what is missing or impossible."""
    roles = [str(raw.get("role")) for raw in raws if isinstance(raw, Mapping)]
    readable = len(roles) == len(raws) and set(roles) <= set(ROLES)
    counts = {role: roles.count(role.value) for role in Role if role.value in roles}
    if not {Role.REACH, Role.LOGIN} & counts.keys() and readable:
        found = "no probe" if not raws else "function probes only"
        place.at("probes").wrong(found, 'at least one probe with role "reach" or "login"')
    if not checked.good("need"):
        return {}
    found_need: dict[Role, int] = {}
    for role, count in counts.items():
        wanted = checked.shape.need.get(role)
        here = place.at("need", role)
        if wanted is None and count > 1:
            here.wrong(f"nothing, with {count} probes of that role", '"all", "any" or a number')
        if isinstance(wanted, int) and wanted > count:
            here.wrong(show(wanted), f"at most {count}: there are no more of them")
        found_need[role] = _number(wanted, count)
    for name in checked.shape.need:
        if Role(name) not in counts and readable:
            place.at("need", name).wrong("a role without probes", "roles that have probes")
    return found_need


def _number(wanted: str | int | None, count: int) -> int:
    match wanted:
        case int():
            return wanted
        case "all":
            return count
        case _:
            return 1


def _check_vantages(
    checked: Checked[ServiceShape], vantages: tuple[str, ...], place: Place
) -> None:
    if not checked.good("vantages"):
        return
    shape = checked.shape
    if shape.vantages == ():
        place.at("vantages").wrong("an empty list", "at least one vantage")
    if len(set(vantages)) != len(vantages):
        place.at("vantages").wrong("a vantage twice", "each vantage once")
    least = shape.min_vantages
    if checked.good("min_vantages") and least is not None and least > len(vantages):
        wish = f"at most {len(vantages)}, the number of vantages"
        place.at("min_vantages").wrong(show(least), wish)


def _check_term(checked: Checked[ServiceShape], place: Place) -> None:
    first, last = checked.shape.from_, checked.shape.until
    if checked.good("from", "until") and first and last and last <= first:
        place.at("until").wrong(last.isoformat(), f"a day after {first}: it is exclusive")


def _remark_probes(probes: tuple[ProbeSettings, ...], place: Place) -> None:
    for probe in probes:
        if probe.role is Role.REACH and probe.interval > 1:
            place.at("probes", probe.id, "interval").remark(
                f"reach is looked at every {probe.interval} minutes: each look speaks for all of "
                "them, and an outage between two looks is not seen"
            )


def _remark_maintenance(window: Maintenance, contract: ContractTerms, place: Place) -> None:
    if "maintenance" not in contract.excludes:
        if contract is not _NO_CONTRACT.terms:
            place.remark(f"the contract {contract.id} excludes no maintenance: no figure changes")
        return
    notice = contract.maintenance_notice_us or 0
    if window.announced > window.start - notice:
        place.at("announced").remark(
            f"later than {say_duration(notice)} before the start, the contract's notice: "
            "the window does not count"
        )


def _probe_terms(probe: ProbeSettings) -> ProbeTerms:
    target = probe.target
    return ProbeTerms(
        id=probe.id,
        role=probe.role,
        kind=probe.kind,
        interval=probe.interval,
        attempts=probe.attempts,
        slow_after_us=probe.slow_after_us,
        accounts=len(target.accounts) if isinstance(target, LoginTarget) else 0,
        target=looks_at(probe),
        manner=manner(probe),
    )
