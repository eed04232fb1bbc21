"""From a TOML file to a login flow, with every mistake in it told at once.

A mistake names section, step and key. A flow that comes out of here can be run: its selectors,
patterns and templates are good, every name in them is known by then, every step can be reached and
says what every answer means. What it cannot know is whether the system will answer as it hopes.
"""

import difflib
import functools
import json
import re
import tomllib
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from enum import StrEnum
from pathlib import Path
from typing import Any, TypeVar, assert_never

from probes.pages import selector_problem
from probes.templates import (
    Known,
    Problem,
    Scene,
    TemplateFault,
    expression_problems,
    is_plain,
    plainly,
    problems,
    render,
    used,
)
from uptimed.core.flows import (
    DEFAULT_FLOW_BODY_LIMIT,
    Condition,
    Flow,
    FlowError,
    FlowMistake,
    Health,
    Lockout,
    Outcome,
    Request,
    Setting,
    Step,
    Take,
    TakeKind,
    Then,
)
from uptimed.core.patterns import pattern_problem
from uptimed.core.targets import JsonWant

PRESETS = Path(__file__).parent / "presets"

_OPERATORS = ("==", "!=", "<", "<=", ">", ">=", "exists", "absent", "contains")
_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")
_PER = ("account", "address", "account and address")
_FORBIDDEN_HEADERS = frozenset({
    "connection", "content-length", "cookie", "host", "referer", "te", "trailer",
    "transfer-encoding", "upgrade", "user-agent", "accept-encoding",
})  # fmt: skip
_NAME = re.compile(r"[a-z][a-z0-9_]*")
_ID = re.compile(r"[a-z0-9][a-z0-9._-]{0,62}")
_HEADER = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_POINTER = re.compile(r"(?:/(?:[^~/]|~[01])*)*")
_DURATION = re.compile(r"(?:([0-9]+)h)?(?:([0-9]+)m)?")
_RANGE = re.compile(r"([1-5][0-9]{2})-([1-5][0-9]{2})")
_CLASS = re.compile(r"([1-5])xx")
_TOML_PLACE = re.compile(r"(.*) \(at (.*)\)", re.DOTALL)
_POINTER_WISH = 'a JSON pointer such as "/error/code"'
_SHOWN = 60
_LEAST_BODY = 1024
_MOST_BODY = 16 * 1024 * 1024
_MARKERS = ("location", "body", "text")

T = TypeVar("T")


def preset_names() -> tuple[str, ...]:
    """Return the names of the flows that ship with uptimed."""
    return tuple(sorted(file.stem for file in PRESETS.glob("*.toml")))


def find_flow(preset: str) -> Flow:
    """Return the flow that *preset* names, or that is in the file it is the path of.

    Raise `FlowError` with every mistake in it.
    """
    path = Path(preset) if preset.endswith(".toml") or "/" in preset else PRESETS / f"{preset}.toml"
    try:
        changed = path.stat().st_mtime_ns
    except OSError:
        changed = 0
    return _find(path, changed)


@functools.lru_cache(maxsize=256)
def _find(path: Path, _changed: int) -> Flow:
    return read_flow(_read(path), str(path))


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_bytes().decode("utf-8-sig"))
    except tomllib.TOMLDecodeError as error:
        place = _TOML_PLACE.fullmatch(str(error))
        said, key = (place[1], place[2]) if place else ("something else", "")
        found = f"a mistake in the syntax ({said[:1].lower()}{said[1:]})"
        raise FlowError(str(path), (FlowMistake(key, found, "TOML"),)) from None
    except UnicodeDecodeError as error:
        mistake = FlowMistake(f"byte {error.start + 1}", "bytes that are no text", "UTF-8")
        raise FlowError(str(path), (mistake,)) from None
    except OSError as error:
        said = (error.strerror or "an error").lower()
        mistake = FlowMistake("file", said, "a flow file that can be read")
        raise FlowError(str(path), (mistake,)) from None


def read_flow(table: Mapping[str, Any], file: str) -> Flow:
    """Return the flow that *table* holds. Raise `FlowError` with every mistake in it."""
    reader = _Reader(file)
    flow = reader.flow(table)
    if reader.mistakes:
        raise FlowError(file, tuple(reader.mistakes))
    return flow


def bind(flow: Flow, settings: Mapping[str, str]) -> Flow:
    """Return *flow* with *settings* (or their defaults) put in wherever only they are named.

    Raise `FlowError`, at `settings.NAME` or at the step where a setting is no good.
    """
    mistakes = list(_setting_mistakes(flow, settings))
    if mistakes:
        raise FlowError(flow.file, tuple(mistakes))
    scene = Scene(settings=_values(flow, settings))
    bound = _Binder(scene).flow(flow)
    mistakes = [
        FlowMistake(source.key, _show(source.text), source.problem)
        for source in _sources(bound)
        if source.problem
    ]
    if mistakes:
        raise FlowError(flow.file, tuple(mistakes))
    return bound


def _setting_mistakes(flow: Flow, settings: Mapping[str, str]) -> Iterator[FlowMistake]:
    for name in settings:
        if name not in flow.settings:
            wanted = _suggest(name, flow.settings) or "no settings: this flow has none"
            yield FlowMistake(f"settings.{name}", "an unknown setting", wanted)
    for name, setting in flow.settings.items():
        if setting.default is None and name not in settings:
            yield FlowMistake(f"settings.{name}", "nothing", setting.about)


def _values(flow: Flow, settings: Mapping[str, str]) -> dict[str, str]:
    defaults = {n: s.default for n, s in flow.settings.items() if s.default is not None}
    return {**defaults, **settings}


class _Binder:
    """Puts settings into the templates of a flow that name nothing else."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene

    def text(self, source: str) -> str:
        if used(source) == {"settings"}:
            return plainly(render(source, self._scene))
        return source

    def tree(self, value: T) -> T:
        """Return *value* with every text in it bound."""
        bound: object = value
        match value:
            case str() if type(value) is str:
                bound = self.text(value)
            case Mapping():
                bound = {self.tree(key): self.tree(item) for key, item in value.items()}
            case tuple():
                bound = tuple(self.tree(item) for item in value)
            case list():
                bound = [self.tree(item) for item in value]
            case Step() | Request() | Outcome() | Condition() | Take() | JsonWant() | Health():
                bound = replace(
                    value, **{f.name: self.tree(getattr(value, f.name)) for f in fields(value)}
                )
            case _:
                pass
        return bound  # type: ignore[return-value]

    def flow(self, flow: Flow) -> Flow:
        return replace(
            flow,
            headers=self.tree(flow.headers),
            login=self.tree(flow.login),
            session=self.tree(flow.session),
            logout=self.tree(flow.logout),
            health=self.tree(flow.health),
        )


# ---- selectors and patterns, which are checked once they are known


class _Kind(StrEnum):
    SELECTOR = "selector"
    PATTERN = "pattern"
    POINTER = "pointer"
    HEADER = "header"


@dataclass(frozen=True, slots=True)
class _Source:
    key: str
    text: str
    kind: _Kind

    @property
    def problem(self) -> str:
        """Return what is wanted instead, or ""."""
        text = render(self.text, Scene())
        match self.kind:
            case _Kind.SELECTOR:
                said = selector_problem(text)
                return f"a CSS selector: {said}" if said else ""
            case _Kind.PATTERN:
                said = pattern_problem(text)
                return f"a good pattern: this one {said}" if said else ""
            case _Kind.POINTER:
                return "" if _POINTER.fullmatch(text) else _POINTER_WISH
            case _Kind.HEADER:
                return "" if _HEADER.fullmatch(text) else "the name of a header"
            case other:
                assert_never(other)


def _sources(flow: Flow) -> Iterator[_Source]:
    sections = (("login", flow.login), ("session", flow.session), ("logout", flow.logout))
    for section, steps in sections:
        for step in steps:
            yield from _of_step(step, f"{section}.{step.id}")


def _of_step(step: Step, place: str) -> Iterator[_Source]:
    for name in step.request.headers:
        yield _Source(f"{place}.request.headers.{name}", name, _Kind.HEADER)
    for number, outcome in enumerate(step.outcomes, 1):
        if outcome.when is not None:
            yield from _of_condition(outcome.when, f"{place}.outcomes.{number}.when")
    kinds = {
        TakeKind.CSS: _Kind.SELECTOR,
        TakeKind.FORM: _Kind.SELECTOR,
        TakeKind.PATTERN: _Kind.PATTERN,
        TakeKind.JSON: _Kind.POINTER,
        TakeKind.HEADER: _Kind.HEADER,
    }
    for take in step.takes:
        if take.kind in kinds:
            yield _Source(f"{place}.take.{take.name}.{take.kind}", take.source, kinds[take.kind])


def _of_condition(when: Condition, key: str) -> Iterator[_Source]:
    for name in ("css", "not_css"):
        if (selector := getattr(when, name)) is not None:
            yield _Source(f"{key}.{name}", selector, _Kind.SELECTOR)
    for name in ("location_matches", "body_matches"):
        if (pattern := getattr(when, name)) is not None:
            yield _Source(f"{key}.{name}", pattern, _Kind.PATTERN)
    for name in ("json", "not_json"):
        for want in getattr(when, name):
            yield _Source(f"{key}.{name}", want.pointer, _Kind.POINTER)


# ---- reading


def _show(value: object) -> str:
    if isinstance(value, str):
        cut = value if len(value) <= _SHOWN else value[:_SHOWN] + "..."
        return json.dumps(cut, ensure_ascii=False)
    return json.dumps(value) if isinstance(value, bool | int | float) else _kind_of(value)


def _kind_of(value: object) -> str:
    match value:
        case str():
            return "a string"
        case bool():
            return "true or false"
        case int() | float():
            return "a number"
        case Mapping():
            return "a table"
        case list():
            return "a list"
        case None:
            return "nothing"
        case _:
            return "a date or time"


def _one_of(choices: Iterable[str]) -> str:
    quoted = [json.dumps(choice) for choice in choices]
    return " or ".join([", ".join(quoted[:-1]), quoted[-1]] if len(quoted) > 1 else quoted)


def _suggest(word: str, choices: Collection[str]) -> str:
    near = difflib.get_close_matches(word, sorted(choices), n=1, cutoff=0.6)
    if near:
        return f'"{near[0]}"?'
    return _one_of(sorted(choices)) if choices else ""


class _Table:
    """A table that is read key by key; what nobody asked for is unknown."""

    def __init__(self, reader: "_Reader", raw: object, key: str) -> None:
        self.key = key
        self._reader = reader
        self._asked: set[str] = set()
        self.is_table = isinstance(raw, Mapping)
        self.raw: Mapping[str, Any] = raw if isinstance(raw, Mapping) else {}
        if not self.is_table:
            reader.wrong(key, _kind_of(raw), "a table")

    def at(self, name: str) -> str:
        shown = name if name.isprintable() else _show(name)
        return f"{self.key}.{shown}" if self.key else shown

    def wrong(self, name: str, found: str, wanted: str) -> None:
        self._reader.wrong(self.at(name), found, wanted)

    def has(self, name: str) -> bool:
        self._asked.add(name)
        return name in self.raw

    def get(self, name: str) -> Any:
        self._asked.add(name)
        return self.raw.get(name)

    def text(self, name: str, *, wish: str = "", default: str = "") -> str:
        """Return a string that says something; *wish* is told where it must be there and is not."""
        value = self.get(name)
        if value is None:
            if wish and self.is_table:
                self.wrong(name, "nothing", wish)
            return default
        if not isinstance(value, str) or not value.strip():
            found = "an empty string" if isinstance(value, str) else _kind_of(value)
            self.wrong(name, found, wish or "a text")
            return default
        return value

    def maybe(self, name: str) -> str | None:
        """Return any string, or None where there is none."""
        value = self.get(name)
        if value is None or isinstance(value, str):
            return value
        self.wrong(name, _kind_of(value), "a string")
        return None

    def flag(self, name: str) -> bool | None:
        value = self.get(name)
        if value is None or isinstance(value, bool):
            return value
        self.wrong(name, _show(value), "true or false")
        return None

    def choice(self, name: str, choices: Sequence[str], default: str) -> str:
        value = self.get(name)
        if value is None:
            return default
        if not isinstance(value, str) or value not in choices:
            near = _suggest(value, choices) if isinstance(value, str) else _one_of(choices)
            self.wrong(name, _show(value), near)
            return default
        return value

    def number(self, name: str, *, lowest: int, highest: int, default: int) -> int:
        value = self.get(name)
        if value is None:
            return default
        if not isinstance(value, int) or isinstance(value, bool) or not lowest <= value <= highest:
            self.wrong(name, _show(value), f"an integer from {lowest} to {highest}")
            return default
        return value

    def minutes(self, name: str) -> int | None:
        value = self.get(name)
        if value is None:
            return None
        match = _DURATION.fullmatch(value) if isinstance(value, str) else None
        found = int(match[1] or 0) * 60 + int(match[2] or 0) if match else 0
        if not found:
            self.wrong(name, _show(value), 'whole minutes or hours such as "30m" or "2h"')
            return None
        return found

    def table(self, name: str) -> "_Table":
        return _Table(self._reader, self.get(name) or {}, self.at(name))

    def texts(self, name: str) -> tuple[str, ...]:
        """Return a list of sentences; a single one is a list as well."""
        value = self.get(name)
        if value is None:
            return ()
        found = value if isinstance(value, list) else [value]
        if not all(isinstance(item, str) and item.strip() for item in found):
            self.wrong(name, _kind_of(value), "a text or a list of texts")
            return ()
        return tuple(found)

    def pairs(self, name: str) -> dict[str, str]:
        """Return a table of strings; numbers are taken as they are written."""
        value = self.get(name)
        if value is None:
            return {}
        if not isinstance(value, Mapping):
            self.wrong(name, _kind_of(value), "a table")
            return {}
        found = {}
        for key, item in value.items():
            if isinstance(item, str):
                found[key] = item
            elif isinstance(item, int) and not isinstance(item, bool):
                found[key] = str(item)
            else:
                self._reader.wrong(f"{self.at(name)}.{key}", _kind_of(item), "a string")
        return found

    def statuses(self, name: str) -> tuple[tuple[int, int], ...]:
        value = self.get(name)
        if value is None:
            return ()
        found = []
        for item in value if isinstance(value, list) else [value]:
            status = _status(item)
            if status is None:
                self.wrong(name, _show(item), 'a status: 302, "2xx", "400-499" or a list of them')
            else:
                found.append(status)
        if value == []:
            self.wrong(name, "an empty list", "at least one status")
        return tuple(found)

    def done(self) -> None:
        """Tell of the keys that nobody asked for."""
        known = sorted(self._asked)
        for name in self.raw:
            if name not in self._asked:
                self.wrong(name, "an unknown key", _suggest(name, known))


def _status(item: object) -> tuple[int, int] | None:
    if isinstance(item, int) and not isinstance(item, bool) and 100 <= item <= 599:
        return (item, item)
    if isinstance(item, str):
        if match := _CLASS.fullmatch(item):
            low = int(match[1]) * 100
            return (low, low + 99)
        if (match := _RANGE.fullmatch(item)) and int(match[1]) <= int(match[2]):
            return (int(match[1]), int(match[2]))
    return None


@dataclass(slots=True)
class _Names:
    """What templates may name by now."""

    settings: tuple[str, ...] = ()
    secrets: tuple[str, ...] = ()
    took: dict[str, TakeKind] = field(default_factory=dict)

    def everything(self) -> Known:
        forms = tuple(name for name, kind in self.took.items() if kind is TakeKind.FORM)
        return Known(
            settings=self.settings, secrets=self.secrets, took=tuple(self.took), forms=forms
        )

    def only_settings(self, what: str) -> Known:
        why = f"settings only in {what}: it is checked before anyone signs in"
        return Known(settings=self.settings, roots=("settings",), why=why)

    def marker(self) -> Known:
        why = "settings and account.username only in a marker"
        return Known(
            settings=self.settings,
            roots=("settings", "account"),
            account=("username",),
            why=why,
        )


class _Reader:
    """Reads one flow; gathers its mistakes in the order of the file."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.mistakes: list[FlowMistake] = []
        self._names = _Names()
        self._ids: set[str] = set()

    def wrong(self, key: str, found: str, wanted: str) -> None:
        self.mistakes.append(FlowMistake(key, found, wanted))

    def flow(self, raw: Mapping[str, Any]) -> Flow:
        whole = _Table(self, raw, "")
        if not whole.has("flow"):
            whole.wrong("flow", "nothing", "a table [flow] with id, title and version")
        head = whole.table("flow")
        settings = self._settings(whole.table("settings"))
        secrets = self._secrets(whole.table("secrets"))
        account = whole.table("account")
        username, password = account.text("username"), account.text("password")
        account.done()
        self._names.settings, self._names.secrets = tuple(settings), tuple(secrets)
        flow = self._head(head, has_head=whole.has("flow"))
        no_logout = head.text("no_logout")
        head.done()
        login = self._steps(whole, "login")
        session = self._steps(whole, "session")
        logout = self._steps(whole, "logout")
        whole.done()
        flow = replace(
            flow, settings=settings, secrets=secrets, about_username=username,
            about_password=password, login=login, session=session, logout=logout,
        )  # fmt: skip
        self._check_whole(flow, whole, no_logout)
        self._check_sources(flow)
        return flow

    def _head(self, head: _Table, *, has_head: bool) -> Flow:
        def wish(text: str) -> str:
            return text if has_head else ""

        id_ = head.text("id", wish=wish("the flow's id"))
        if id_ and not _ID.fullmatch(id_):
            head.wrong("id", _show(id_), "an id of a-z, 0-9, '.', '_' and '-'")
        headers = self._headers(head, self._names.everything())
        return Flow(
            id=id_,
            title=head.text("title", wish=wish("what system this is, as a sentence has it")),
            version=head.text("version", wish=wish('a version of the flow, such as "1"')),
            file=self.file,
            session=(),
            headers=headers,
            health=self._health(head),
            unknown=head.texts("unknown"),
            advice=head.texts("advice"),
            min_interval=head.minutes("min_interval"),
            login_every=head.minutes("login_every"),
            lockout=self._lockout(head),
            body_limit=head.number(
                "body_limit",
                lowest=_LEAST_BODY,
                highest=_MOST_BODY,
                default=DEFAULT_FLOW_BODY_LIMIT,
            ),
        )

    def _settings(self, table: _Table) -> dict[str, Setting]:
        found: dict[str, Setting] = {}
        for name in table.raw:
            here = table.table(name)
            if not _NAME.fullmatch(name):
                table.wrong(name, _show(name), "a name of a-z, 0-9 and '_'")
            default = here.maybe("default")
            found[name] = Setting(
                about=here.text("about", wish="what it is, in a sentence"), default=default
            )
            here.done()
        return found

    def _secrets(self, table: _Table) -> dict[str, str]:
        for name in table.raw:
            if not _NAME.fullmatch(name):
                table.wrong(name, _show(name), "a name of a-z, 0-9 and '_'")
        return {name: table.text(name, wish="what it is, in a sentence") for name in table.raw}

    def _health(self, head: _Table) -> Health | None:
        if not head.has("health"):
            return None
        here = head.table("health")
        known = self._names.only_settings("a health call")
        headers = self._headers(here, known)
        health = Health(
            path=here.text("path", wish="the path of the call, below the base URL"),
            method=here.choice("method", _METHODS, "GET"),
            headers=headers,
            body=here.maybe("body") or "",
            statuses=here.statuses("status") or ((200, 299),),
            contains=here.texts("contains"),
            not_contains=here.texts("not_contains"),
            json=self._wants(here, "json", known),
        )
        here.done()
        texts = {"path": health.path, "body": health.body}
        for name, text in texts.items():
            self._check(here.at(name), text, known)
        for name in ("contains", "not_contains"):
            for text in getattr(health, name):
                self._check(here.at(name), text, known)
        return health

    def _lockout(self, head: _Table) -> Lockout | None:
        if not head.has("lockout"):
            return None
        here = head.table("lockout")
        if not here.has("failures"):
            here.wrong("failures", "nothing", "how many failures lock an account")
        if not here.has("window"):
            here.wrong("window", "nothing", 'within what time, such as "30m"')
        failures = here.number("failures", lowest=1, highest=10_000, default=1)
        lockout = Lockout(
            failures=failures,
            window=here.minutes("window") or 1,
            per=here.choice("per", _PER, "account"),
            by=here.text("by"),
        )
        here.done()
        return lockout

    # Steps.

    def _steps(self, whole: _Table, section: str) -> tuple[Step, ...]:
        raw = whole.get(section)
        if raw is None:
            return ()
        if not isinstance(raw, list) or not raw:
            found = "an empty list" if raw == [] else _kind_of(raw)
            whole.wrong(section, found, f"steps: [[{section}]]")
            return ()
        names = [_step_id(item, number) for number, item in enumerate(raw, 1)]
        tables = [_Table(self, item, f"{section}.{n}") for item, n in zip(raw, names, strict=True)]
        steps = [
            self._step(table, section, names[number:])
            for number, table in enumerate(tables, 1)
            if table.is_table
        ]
        self._check_reach(steps, section)
        return tuple(steps)

    def _step(self, table: _Table, section: str, later: Sequence[str]) -> Step:
        id_ = table.text("id", wish="the step's id: details and transcripts name it")
        if id_ and not _ID.fullmatch(id_):
            table.wrong("id", _show(id_), "an id of a-z, 0-9, '.', '_' and '-'")
        elif id_ in self._ids:
            table.wrong("id", f"{_show(id_)} a second time", "an id that no other step has")
        self._ids.add(id_)
        condition, negated = self._condition(table)
        if not table.has("request"):
            table.wrong("request", "nothing", 'what is sent, such as { path = "/" }')
        request = self._request(table.table("request"))
        outcomes = self._outcomes(table, section, later)
        takes = self._takes(table)
        table.done()
        return Step(
            id=id_, request=request, outcomes=outcomes, takes=takes,
            condition=condition, negated=negated,
        )  # fmt: skip

    def _condition(self, table: _Table) -> tuple[str, bool]:
        only_if, unless = table.text("if"), table.text("unless")
        if only_if and unless:
            table.wrong("unless", "it beside if", "one of the two")
        name, source = ("if", only_if) if only_if else ("unless", unless)
        if source:
            for problem in expression_problems(source, self._names.everything()):
                self._tell(table.at(name), problem)
        return source, not only_if and bool(unless)

    def _request(self, table: _Table) -> Request:
        known = self._names.everything()
        path, url = table.maybe("path"), table.maybe("url")
        if table.raw and (path is None) == (url is None):
            found = "it beside path" if url is not None else "nothing"
            table.wrong("url" if url is not None else "path", found, "one of path and url")
        request = Request(
            method=self._method(table),
            path=path,
            url=url,
            query=table.pairs("query"),
            headers=self._headers(table, known),
            form=table.pairs("form") if table.has("form") else None,
            form_of=table.text("form_of"),
            json=table.get("json"),
            body=table.maybe("body"),
            follow=table.flag("follow") or False,
        )
        table.done()
        bodies = [name for name in ("form", "json", "body") if table.has(name)]
        if len(bodies) > 1 or (request.form_of and {"json", "body"} & set(bodies)):
            table.wrong(bodies[-1], f"it beside {bodies[0]}", "one of form, json and body")
        self._check_form_of(table, request.form_of)
        self._check_request(table, request, known)
        return request

    def _method(self, table: _Table) -> str:
        method = table.get("method")
        if isinstance(method, str) and "{{" in method:
            self._check(table.at("method"), method, self._names.only_settings("a method"))
            return method
        return table.choice("method", _METHODS, "GET")

    def _check_form_of(self, table: _Table, name: str) -> None:
        forms = [n for n, kind in self._names.took.items() if kind is TakeKind.FORM]
        if name and name not in forms:
            wanted = _suggest(name, forms) or "the name of a form that an earlier step takes"
            table.wrong("form_of", _show(name), wanted)

    def _check_request(self, table: _Table, request: Request, known: Known) -> None:
        for name in ("path", "url", "body"):
            if (text := getattr(request, name)) is not None:
                self._check(table.at(name), text, known)
        for name in ("query", "form"):
            for key, value in (getattr(request, name) or {}).items():
                self._check(f"{table.at(name)}.{key}", key, known)
                self._check(f"{table.at(name)}.{key}", value, known)
        self._check_tree(table.at("json"), request.json, known)

    def _check_tree(self, key: str, value: object, known: Known) -> None:
        match value:
            case str():
                self._check(key, value, known)
            case Mapping():
                for name, item in value.items():
                    self._check_tree(f"{key}.{name}", item, known)
            case list():
                for number, item in enumerate(value, 1):
                    self._check_tree(f"{key}.{number}", item, known)
            case None | bool() | int() | float():
                return
            case _:
                self.wrong(key, _kind_of(value), "what JSON has")

    def _headers(self, table: _Table, known: Known) -> dict[str, str]:
        headers = table.pairs("headers")
        for name, value in headers.items():
            key = f"{table.at('headers')}.{name}"
            if not is_plain(name):
                self._check(key, name, self._names.only_settings("the name of a header"))
            elif name.lower() in _FORBIDDEN_HEADERS:
                self.wrong(key, "a header that is not the flow's to set", "another one")
            self._check(key, value, known)
        return headers

    # Takes.

    def _takes(self, table: _Table) -> tuple[Take, ...]:
        found = []
        whole = table.table("take")
        for name in whole.raw:
            here = whole.table(name)
            if not _NAME.fullmatch(name):
                whole.wrong(name, _show(name), "a name of a-z, 0-9 and '_'")
            take = self._take(here, name)
            here.done()
            if take is not None:
                found.append(take)
        for take in found:
            self._names.took[take.name] = take.kind
        return tuple(found)

    def _take(self, here: _Table, name: str) -> Take | None:
        kinds = [kind for kind in TakeKind if here.has(kind)]
        for kind in TakeKind:
            here.get(kind)
        optional, public = here.flag("optional"), here.flag("public")
        attribute = here.text("attribute")
        if len(kinds) != 1:
            found = "nothing" if not kinds else f"both {kinds[0]} and {kinds[1]}"
            self.wrong(here.key, found, f"one of {_one_of(TakeKind)}")
            return None
        kind = kinds[0]
        if attribute and kind is not TakeKind.CSS:
            here.wrong("attribute", f"it for {kind}", "it for css only")
        source = here.text(kind, wish="what is taken")
        known = self._names.only_settings("a take")
        if not self._check(here.at(kind), source, known):
            return None
        return Take(
            name=name, kind=kind, source=source, attribute=attribute,
            optional=optional or False, public=public or False,
        )  # fmt: skip

    # Outcomes.

    def _outcomes(self, table: _Table, section: str, later: Sequence[str]) -> tuple[Outcome, ...]:
        raw = table.get("outcomes")
        key = table.at("outcomes")
        wish = "a list that says what every answer means"
        if not isinstance(raw, list) or not raw:
            found = "an empty list" if raw == [] else _kind_of(raw)
            self.wrong(key, found, wish)
            return ()
        told = len(self.mistakes)
        outcomes = [
            self._outcome(_Table(self, item, f"{key}.{number}"), section, later)
            for number, item in enumerate(raw, 1)
        ]
        for number, outcome in enumerate(outcomes[:-1], 1):
            if outcome.when is None:
                found = "no when, with outcomes after it that can never be reached"
                self.wrong(f"{key}.{number}", found, "the one without when to be the last")
        last = outcomes[-1]
        if last.when is not None:
            found = "nothing for an answer that fits none of them"
            self.wrong(key, found, 'a last one without when, such as { then = "error" }')
        elif last.then is Then.OK:
            found = '"ok" for whatever comes'
            self.wrong(f"{key}.{len(outcomes)}.then", found, "a when that says what is ok")
        well = len(self.mistakes) > told or any(o.then is Then.OK for o in outcomes)
        if not well:
            self.wrong(key, 'none that is "ok"', "what a good answer is like")
        return tuple(outcomes)

    def _outcome(self, here: _Table, section: str, later: Sequence[str]) -> Outcome:
        choices = [then for then in Then if then is not Then.REFUSED or section == "session"]
        if here.is_table and not here.has("then"):
            here.wrong("then", "nothing", f"what it means: {_one_of(choices)}")
        then = Then(here.choice("then", choices, Then.ERROR))
        onward = here.text("next")
        if onward and then is not Then.OK:
            here.wrong("next", f'it for "{then}"', 'it for "ok" only')
        elif onward and onward not in later:
            wanted = _suggest(onward, later) or "a later step: this is the last"
            here.wrong("next", _show(onward), wanted)
        when = None
        if here.has("when"):
            when = self._when(here.table("when"))
        outcome = Outcome(
            then=then, when=when, why=here.text("why"), next=onward,
            spends=here.flag("spends") or False,
        )  # fmt: skip
        here.done()
        return outcome

    def _when(self, here: _Table) -> Condition:
        known = self._names.marker()
        if here.is_table and not here.raw:
            self.wrong(here.key, "an empty table", "what the answer is like")
        condition = Condition(
            statuses=here.statuses("status"),
            not_statuses=here.statuses("not_status"),
            json=self._wants(here, "json", known),
            not_json=self._wants(here, "not_json", known),
            header=self._header_markers(here, "header", known),
            not_header=self._header_markers(here, "not_header", known),
            empty=here.flag("empty"),
            **{name: here.maybe(name) for name in _PLAIN_CONDITIONS},
        )
        here.done()
        for name in _MARKERS:
            for key in (name, f"not_{name}"):
                if (text := getattr(condition, key)) is not None:
                    self._check(here.at(key), text, known)
                    if not text.strip():
                        here.wrong(key, "an empty marker", "a text")
        fixed = self._names.only_settings("a selector, pattern or name")
        for key in _FIXED_CONDITIONS:
            if (text := getattr(condition, key)) is not None:
                self._check(here.at(key), text, fixed)
        return condition

    def _header_markers(self, here: _Table, name: str, known: Known) -> dict[str, str]:
        found = here.pairs(name)
        for header, marker in found.items():
            self._check(f"{here.at(name)}.{header}", marker, known)
        return found

    def _wants(self, here: _Table, name: str, known: Known) -> tuple[JsonWant, ...]:
        raw = here.get(name)
        if raw is None:
            return ()
        items = raw if isinstance(raw, list) else [raw]
        if not items:
            here.wrong(name, "an empty list", "a pointer to compare at")
        wants = []
        for number, item in enumerate(items, 1):
            key = f"{here.at(name)}.{number}" if isinstance(raw, list) else here.at(name)
            wants.append(self._want(_Table(self, item, key), known))
        return tuple(wants)

    def _want(self, table: _Table, known: Known) -> JsonWant:
        pointer = table.maybe("pointer")
        if table.is_table and pointer is None:
            table.wrong("pointer", "nothing", _POINTER_WISH)
        elif pointer is not None:
            self._check(table.at("pointer"), pointer, self._names.only_settings("a pointer"))
        value = table.get("value")
        if not isinstance(value, str | int | bool | None):
            table.wrong("value", _kind_of(value), "a string, an integer, true or false")
            value = None
        op = table.choice("op", _OPERATORS, "exists" if value is None else "==")
        if op not in {"exists", "absent"} and value is None:
            table.wrong("value", "nothing", f'what "{op}" compares with')
        if op in {"exists", "absent"} and value is not None:
            table.wrong("value", f'a value for "{op}"', "none for it")
        if isinstance(value, str):
            self._check(table.at("value"), value, known)
        table.done()
        return JsonWant(pointer=pointer or "", op=op, value=value)

    # Rules.

    def _check(self, key: str, source: str, known: Known) -> bool:
        good = True
        for problem in problems(source, known):
            self._tell(key, problem)
            good = False
        return good

    def _tell(self, key: str, problem: Problem) -> None:
        wanted = problem.wanted
        if problem.choices:
            near = _suggest(problem.word, problem.choices)
            wanted = f"{wanted}: {near}" if wanted else near
        self.wrong(key, problem.found, wanted or "something that is known here")

    def _check_reach(self, steps: Sequence[Step], section: str) -> None:
        """Tell of the steps that nothing leads to."""
        places = {step.id: number for number, step in enumerate(steps)}
        reached = {0}
        for number, step in enumerate(steps):
            if number not in reached:
                found = "a step that can never be reached"
                wanted = 'an earlier step that goes on to it with "ok"'
                self.wrong(f"{section}.{step.id}", found, wanted)
            elif not step.outcomes:
                reached.add(number + 1)  # its own mistake was told
            if step.condition:
                reached.add(number + 1)
            for outcome in step.outcomes:
                if outcome.then is Then.OK:
                    reached.add(places.get(outcome.next, number + 1))

    def _check_whole(self, flow: Flow, whole: _Table, no_logout: str) -> None:
        if not whole.has("session"):
            wanted = "[[session]]: what only those get who are signed in proves that a login works"
            whole.wrong("session", "nothing", wanted)
        elif flow.login and not any(
            outcome.then is Then.REFUSED for step in flow.session for outcome in step.outcomes
        ):
            wanted = "what an answer is like when nobody is signed in"
            whole.wrong("session", 'no outcome "refused"', wanted)
        if flow.login and not flow.logout and not no_logout:
            wanted = "[[logout]], or no_logout in [flow] with the reason why there is none"
            whole.wrong("logout", "nothing", wanted)
        if flow.logout and not flow.login:
            whole.wrong("logout", "it without [[login]]", "no way out where there is none in")

    def _check_sources(self, flow: Flow) -> None:
        """Check the selectors and patterns that can be known without the configuration."""
        known = {n: s.default for n, s in flow.settings.items() if s.default is not None}
        scene = Scene(settings=known)
        told = {mistake.key for mistake in self.mistakes}
        for source in _sources(flow):
            if source.key in told or used(source.text) - {"settings"}:
                continue
            try:
                text = render(source.text, scene)
            except TemplateFault:  # a setting without a default: known once it is configured
                continue
            problem = replace(source, text=plainly(text)).problem
            if problem:
                self.wrong(source.key, _show(text), problem)


def _step_id(item: object, number: int) -> str:
    found = item.get("id") if isinstance(item, Mapping) else None
    return found if isinstance(found, str) and _ID.fullmatch(found) else str(number)


_PLAIN_CONDITIONS = (
    "location", "not_location", "location_matches", "body", "not_body", "body_matches", "text",
    "not_text", "css", "not_css", "cookie", "not_cookie",
)  # fmt: skip
_FIXED_CONDITIONS = (
    "location_matches", "body_matches", "css", "not_css", "cookie", "not_cookie",
)  # fmt: skip
