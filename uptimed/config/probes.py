"""From a probe's table to its settings, by kind, with the rules between its keys."""

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from uptimed.config.beginning import UNCHANGED
from uptimed.config.checking import Checked, Place, check
from uptimed.config.contracts import is_path
from uptimed.config.mistakes import Mistake, kind_of, one_of, show, suggest
from uptimed.config.paths import existing, resolved_secret
from uptimed.config.reading import Document
from uptimed.config.shapes import (
    KINDS,
    DnsShape,
    HttpShape,
    JsonShape,
    LoginShape,
    ProbeShape,
    TcpShape,
    TlsShape,
    WithTls,
)
from uptimed.config.values import is_address, say_duration
from uptimed.core.flows import Flow, FlowError, spending
from uptimed.core.minutes import MINUTE
from uptimed.core.observations import SECOND
from uptimed.core.targets import (
    Account,
    DnsTarget,
    Expectation,
    HttpTarget,
    JsonWant,
    LoginTarget,
    ProbeSettings,
    Secret,
    Target,
    TcpTarget,
    TlsOptions,
    TlsTarget,
)

LONGEST_LOOK_US = 55 * SECOND
"""A look must end within a minute of its start, with some seconds to judge and to keep it."""

_SECRET_WISH = 'where it is kept: { env = "NAME" }, { file = "PATH" } or { credential = "NAME" }'
_SECRET_NAME = re.compile(
    r"authorization|cookie|token|secret|passw|api[-_]?key|access[-_]?key", re.IGNORECASE
)
_FLOW_NAME = re.compile(r"[a-z0-9][a-z0-9_.-]*")


FlowOf = Callable[[str, Mapping[str, str]], Flow]
"""Finds a flow by its name or path, with settings put in. Raises `FlowError`."""

_DEFAULT_LOGIN_EVERY = 5  # minutes


@dataclass(frozen=True, slots=True)
class KnownFlows:
    """What is known of login flows: the *names* that ship, and how one is found.

    *vantages* is how many places the service is looked at from: each spends failures of its own.
    """

    names: Collection[str] | None = None
    find: FlowOf | None = None
    vantages: int = 1


def worst_look_us(*, attempts: int, timeout_us: int, gap_us: int) -> int:
    """Return how long a look takes at most: every attempt runs out, and the gaps between them."""
    return attempts * timeout_us + (attempts - 1) * gap_us


def read_probe(
    raw: object, place: Place, document: Document, flows: KnownFlows
) -> ProbeSettings | None:
    """Return the probe that *raw* holds, or None where it has mistakes, told at *place*."""
    if not isinstance(raw, Mapping):
        place.wrong(kind_of(raw), "a table")
        return None
    kind = raw.get("kind")
    if not isinstance(kind, str) or kind not in KINDS:
        _tell_kind(raw, place)
        return None
    before = len(place.findings.mistakes)
    checked: Checked[ProbeShape] = check(KINDS[kind], raw, place, elsewhere=_elsewhere(kind))
    _check_patience(checked, place)
    target, expect = _Reader(place, document, flows).read(checked)
    if len(place.findings.mistakes) > before:
        return None
    shape = checked.shape
    _remark_patience(shape, expect, place)
    return ProbeSettings(
        id=shape.id,
        role=shape.role,
        kind=kind,
        target=target,
        expect=expect,
        interval=shape.interval,
        attempts=shape.attempts,
        timeout_us=shape.timeout,
        gap_us=shape.gap,
        slow_after_us=shape.slow_after,
        runbook=shape.runbook,
    )


def _tell_kind(raw: Mapping[str, object], place: Place) -> None:
    """Tell the kind's mistake, and those of the keys that every kind has."""
    common = {field.alias or name for name, field in ProbeShape.model_fields.items()}
    known = {key: value for key, value in raw.items() if key in common and key != "kind"}
    check(ProbeShape, {**known, "kind": "?"}, place)
    if "kind" not in raw:
        place.at("kind").wrong("nothing", one_of(KINDS))
        return
    kind = raw["kind"]
    wish = suggest(kind, KINDS) if isinstance(kind, str) else one_of(KINDS)
    place.at("kind").wrong(show(kind), wish)


def _elsewhere(kind: str) -> dict[str, str]:
    """Return for the keys of other kinds where they belong."""
    found: dict[str, list[str]] = {}
    for other, shape in KINDS.items():
        for name, field in shape.model_fields.items():
            found.setdefault(field.alias or name, []).append(other)
    return {
        key: f"keys of kind {show(kind)}; that is one of kind {one_of(kinds)}"
        for key, kinds in found.items()
        if kind not in kinds
    }


def _check_patience(checked: Checked[ProbeShape], place: Place) -> None:
    if not checked.good("attempts", "timeout", "gap"):
        return
    shape = checked.shape
    worst = worst_look_us(attempts=shape.attempts, timeout_us=shape.timeout, gap_us=shape.gap)
    if worst > LONGEST_LOOK_US:
        noun = "attempt" if shape.attempts == 1 else "attempts"
        tries = f"{shape.attempts} {noun} of {say_duration(shape.timeout)}"
        noun = "gap" if shape.attempts == 2 else "gaps"
        gaps = f" and {shape.attempts - 1} {noun} of {say_duration(shape.gap)}"
        found = f"{tries}{gaps if shape.attempts > 1 else ''}, {worst / SECOND:g}s in all"
        wish = f"at most {say_duration(LONGEST_LOOK_US)} in all, so that a look ends in time"
        place.at("timeout").wrong(found, wish)


def _remark_patience(shape: ProbeShape, expect: Expectation, place: Place) -> None:
    timeout = say_duration(shape.timeout)
    if shape.slow_after is not None and shape.slow_after >= shape.timeout:
        place.at("slow_after").remark(f"no pass is that slow: the timeout is {timeout}")
    if expect.max_time_us is not None and expect.max_time_us >= shape.timeout:
        place.at("expect", "max_time").remark(f"nothing takes that long: the timeout is {timeout}")


class _Reader:
    """Reads the part of a probe that its kind decides."""

    def __init__(self, place: Place, document: Document, flows: KnownFlows) -> None:
        self._place = place
        self._document = document
        self._flows = flows

    def read(self, checked: Checked[ProbeShape]) -> tuple[Target, Expectation]:
        match checked.shape:
            case HttpShape() as shape:
                return self._http(shape, checked)
            case TcpShape() as shape:
                return self._tcp(shape)
            case TlsShape() as shape:
                return self._tls(shape)
            case DnsShape() as shape:
                return self._dns(shape)
            case LoginShape() as shape:
                return self._login(shape, checked)
            case other:
                raise TypeError(type(other))

    def _http(self, shape: HttpShape, checked: Checked[ProbeShape]) -> tuple[Target, Expectation]:
        want = shape.expect
        plain, kept = {}, {}
        for name, value in shape.headers.items():
            if isinstance(value, Secret):
                kept[name] = resolved_secret(value, self._document)
            elif _SECRET_NAME.search(name):
                self._place.at("headers", name).wrong("a string", _SECRET_WISH)
            else:
                plain[name] = value
        for number, item in enumerate(want.json_, start=1):
            _check_json(item, self._place.at("expect", "json", number))
        if checked.good("url"):
            self._check_scheme(shape.url, "url", want.certificate_days)
        target = HttpTarget(
            url=shape.url,
            method=shape.method,
            headers=plain,
            header_secrets=kept,
            body=shape.body,
            family=shape.family,
            follow=shape.follow,
            max_redirects=shape.max_redirects,
            proxy=shape.proxy,
            body_limit=shape.body_limit,
            tls=self._tls_options(shape),
        )
        return target, Expectation(
            statuses=want.status,
            contains=want.contains,
            not_contains=want.not_contains,
            matches=want.matches,
            json=tuple(
                JsonWant(pointer=item.pointer, op=item.op, value=item.value) for item in want.json_
            ),
            max_time_us=want.max_time,
            broken=want.broken,
            certificate_days=want.certificate_days,
        )

    def _check_scheme(self, url: str, key: str, certificate_days: int | None) -> None:
        if urlsplit(url).scheme == "https":
            return
        self._place.at(key).remark("http is neither private nor proof of whom one spoke to")
        if certificate_days is not None:
            here = self._place.at("expect", "certificate_days")
            here.wrong("it for an http URL", "it for https URLs only")

    def _tcp(self, shape: TcpShape) -> tuple[Target, Expectation]:
        target = TcpTarget(
            host=shape.host,
            port=shape.port,
            family=shape.family,
            send=shape.send,
            expect=shape.expect.text,
        )
        return target, Expectation(max_time_us=shape.expect.max_time)

    def _tls(self, shape: TlsShape) -> tuple[Target, Expectation]:
        target = TlsTarget(
            host=shape.host, port=shape.port, family=shape.family, tls=self._tls_options(shape)
        )
        return target, Expectation(
            certificate_days=shape.expect.certificate_days, max_time_us=shape.expect.max_time
        )

    def _dns(self, shape: DnsShape) -> tuple[Target, Expectation]:
        if shape.name and is_address(shape.name) and shape.record != "PTR":
            self._place.at("name").wrong(show(shape.name), "a name: an address has no records")
        target = DnsTarget(
            name=shape.name, record=shape.record, server=shape.server[0], port=shape.server[1]
        )
        return target, Expectation(records=shape.expect.records, max_time_us=shape.expect.max_time)

    def _login(self, shape: LoginShape, checked: Checked[ProbeShape]) -> tuple[Target, Expectation]:
        if checked.good("base_url"):
            self._check_scheme(shape.base_url, "base_url", shape.expect.certificate_days)
        if checked.good("accounts"):
            self._check_accounts(shape)
        preset = self._flow(shape, checked)
        flow = self._check_flow(preset, shape, checked)
        for name in shape.settings:
            # A flow may well have a setting for the name of the password's field.
            declared = flow is not None and name in flow.settings
            if _SECRET_NAME.search(name) and not declared:
                wish = "no secrets in settings: they belong to accounts"
                self._place.at("settings", name).wrong("a string", wish)
        recommended = flow.login_every if flow is not None else None
        login_every = shape.login_every or recommended or _DEFAULT_LOGIN_EVERY
        if checked.good("interval", "login_every") and login_every < shape.interval:
            here = self._place.at("login_every")
            here.remark("more often than the probe looks: every look is a full login")
        target = LoginTarget(
            preset=preset,
            base_url=shape.base_url,
            accounts=tuple(
                Account(
                    username=account.username,
                    password=resolved_secret(account.password, self._document),
                    secrets={
                        name: resolved_secret(place, self._document)
                        for name, place in {**shape.secrets, **account.secrets}.items()
                    },
                )
                for account in shape.accounts or ()
            ),
            login_every=login_every,
            max_rejected_per_hour=shape.max_rejected_per_hour,
            min_interval=(flow.min_interval if flow is not None else None) or 1,
            family=shape.family,
            tls=self._tls_options(shape),
            settings=shape.settings,
        )
        return target, Expectation(
            broken=shape.expect.broken,
            certificate_days=shape.expect.certificate_days,
            max_time_us=shape.expect.max_time,
        )

    def _check_accounts(self, shape: LoginShape) -> None:
        here = self._place.at("accounts")
        if not shape.accounts:
            here.wrong("an empty list", "at least one account")
        names = [account.username for account in shape.accounts]
        for number, name in enumerate(names, start=1):
            if name in names[: number - 1]:
                here.at(number, "username").wrong(f"{show(name)} a second time", "another account")
        if len(names) == 1:
            here.remark(
                "one account: when it is rejected, a forgotten password cannot be told from a "
                "system that refuses everyone"
            )

    def _flow(self, shape: LoginShape, checked: Checked[ProbeShape]) -> str:
        here = self._place.at("preset")
        if not checked.good("preset"):
            return ""
        if is_path(shape.preset):
            return existing(shape.preset, self._document, here)
        if not _FLOW_NAME.fullmatch(shape.preset):
            here.wrong(show(shape.preset), "a flow's name, or the path of a flow file (*.toml)")
        elif self._flows.names is not None and shape.preset not in self._flows.names:
            wish = (
                f"{suggest(shape.preset, self._flows.names)}, or the path of a flow file (*.toml)"
            )
            here.wrong(show(shape.preset), wish)
            return ""
        return shape.preset

    def _check_flow(
        self, preset: str, shape: LoginShape, checked: Checked[ProbeShape]
    ) -> Flow | None:
        """Return the flow as the probe sets it, None where there is none; tell its mistakes."""
        if not preset or self._flows.find is None or not checked.good("settings"):
            return None
        try:
            flow = self._flows.find(preset, shape.settings)
        except FlowError as error:
            self._tell_mistakes(error)
            return None
        if checked.good("accounts", "secrets"):
            self._check_secrets(flow, shape)
        if checked.good("interval", "login_every"):
            self._check_pace(flow, shape)
        if checked.good("interval", "max_rejected_per_hour", "accounts"):
            self._tell_spending(flow, shape)
        self._tell_of(flow)
        for name, value in shape.settings.items():
            if value == UNCHANGED:
                about = flow.settings[name].about
                self._place.at("settings", name).remark(f"not changed yet: {about}")
        return flow

    def _tell_mistakes(self, error: FlowError) -> None:
        for mistake in error.mistakes:
            if mistake.key.startswith("settings."):
                here = self._place.at("settings", mistake.key.removeprefix("settings."))
                here.wrong(mistake.found, mistake.wanted)
            else:
                found = Mistake(error.file, mistake.key, mistake.found, mistake.wanted)
                self._place.findings.mistakes.append(found)

    def _tell_of(self, flow: Flow) -> None:
        if flow.settings:
            names = ", ".join(flow.settings)
            self._place.at("settings").note(f"of {flow.title} can be set otherwise: {names}")
        for sentence in flow.unknown:
            self._place.at("preset").note(f"not known of {flow.title}: {sentence}")
        for sentence in flow.advice:
            self._place.at("preset").note(sentence)

    def _check_secrets(self, flow: Flow, shape: LoginShape) -> None:
        wish = one_of(flow.secrets) or "no secrets: this flow has none"
        for name in shape.secrets:
            if name not in flow.secrets:
                self._place.at("secrets", name).wrong("an unknown secret", wish)
        for number, account in enumerate(shape.accounts, start=1):
            here = self._place.at("accounts", number, "secrets")
            for name in account.secrets:
                if name not in flow.secrets:
                    here.at(name).wrong("an unknown secret", wish)
            for name, about in flow.secrets.items():
                if name not in account.secrets and name not in shape.secrets:
                    here.at(name).wrong("nothing", f"{about}: {_SECRET_WISH}")

    def _check_pace(self, flow: Flow, shape: LoginShape) -> None:
        if flow.min_interval is None:
            return
        least = say_duration(flow.min_interval * MINUTE)
        wish = f'at least "{least}": {flow.title} allows no more'
        for name, minutes in (("interval", shape.interval), ("login_every", shape.login_every)):
            if minutes is not None and minutes < flow.min_interval:
                self._place.at(name).wrong(f'"{say_duration(minutes * MINUTE)}"', wish)

    def _tell_spending(self, flow: Flow, shape: LoginShape) -> None:
        spent = spending(
            flow,
            max_rejected_per_hour=shape.max_rejected_per_hour,
            interval=shape.interval,
            accounts=len(shape.accounts),
            vantages=self._flows.vantages,
        )
        here = self._place.at("max_rejected_per_hour")
        if spent is None:
            return
        if spent.locks:
            here.remark(f"{spent.sentence}: that locks the account; set it lower")
        else:
            here.note(spent.sentence)

    def _tls_options(self, shape: WithTls) -> TlsOptions:
        if shape.client_key and not shape.client_certificate:
            here = self._place.at("client_certificate")
            here.wrong("nothing, with a client_key", "the certificate that the key is of")
        if not shape.verify:
            self._place.at("verify").remark(
                "certificates are not verified: anyone on the way can answer for the target, and "
                "its answers do not prove that our own network works"
            )
        return TlsOptions(
            ca_file=self._existing(shape.ca_file, "ca_file"),
            client_certificate=self._existing(shape.client_certificate, "client_certificate"),
            client_key=self._existing(shape.client_key, "client_key"),
            server_name=shape.server_name,
            verify=shape.verify,
        )

    def _existing(self, path: str, key: str) -> str:
        return existing(path, self._document, self._place.at(key))


def _check_json(item: JsonShape, place: Place) -> None:
    if item.op in {"exists", "absent"}:
        if item.value is not None:
            place.at("value").wrong(f"a value for {show(item.op)}", "none for it")
        return
    if item.value is None:
        place.at("value").wrong("nothing", f"what {show(item.op)} compares with")
        return
    is_number = isinstance(item.value, int) and not isinstance(item.value, bool)
    if item.op in {"<", "<=", ">", ">="} and not is_number:
        place.at("value").wrong(show(item.value), f"an integer for {show(item.op)}")
    if item.op == "contains" and not isinstance(item.value, str):
        place.at("value").wrong(show(item.value), 'a string for "contains"')
