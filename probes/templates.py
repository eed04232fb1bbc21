"""The templates of login flows: Jinja2's sandbox, expressions only, and a few functions.

What a template names is checked before it is ever rendered. What the functions make of a secret is
a secret as well: it is handed to whoever renders, to be masked.
"""

import base64
import functools
import hashlib
import hmac
import json
import secrets
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, unquote_plus

from jinja2 import StrictUndefined, TemplateError, nodes, pass_context
from jinja2.environment import Template, TemplateExpression
from jinja2.runtime import Context
from jinja2.sandbox import SandboxedEnvironment

_NONCE_BYTES = 16
_SCENE = "_scene"
_ACCOUNT = ("username", "password")
_FORM = ("action", "fields")


class TemplateFault(Exception):
    """A template could not be rendered. The text holds no value of it."""


@dataclass(slots=True)
class Scene:
    """What templates are rendered with. *made* gathers what functions made: all of it is secret."""

    settings: Mapping[str, str] = field(default_factory=dict)
    account: Mapping[str, str] = field(default_factory=dict)
    secrets: Mapping[str, str] = field(default_factory=dict)
    took: dict[str, Any] = field(default_factory=dict)
    base_url: str = ""
    unix_time: Callable[[], int] = int
    made: set[str] = field(default_factory=set)
    pinned: dict[str, Any] = field(default_factory=dict)  # time and nonce of this request

    def begin(self) -> None:
        """Begin a request: its time and its nonce are the same in all of it, to be signed."""
        self.pinned.clear()

    def names(self) -> dict[str, Any]:
        """Return what a template may name."""
        return {
            "settings": self.settings,
            "account": self.account,
            "secrets": self.secrets,
            "took": self.took,
            "base_url": self.base_url,
            _SCENE: self,
        }


def _made(context: Context, value: str) -> str:
    scene = context.get(_SCENE)
    if isinstance(scene, Scene):
        scene.made.add(value)
    return value


@pass_context
def _md5(context: Context, text: object) -> str:
    return _made(context, hashlib.md5(str(text).encode(), usedforsecurity=False).hexdigest())


@pass_context
def _sha256(context: Context, text: object) -> str:
    return _made(context, hashlib.sha256(str(text).encode()).hexdigest())


@pass_context
def _hmac_sha256(context: Context, key: object, message: object, *, raw: bool = False) -> str:
    made = hmac.new(str(key).encode(), str(message).encode(), hashlib.sha256)
    return _made(context, made.digest().decode("latin-1") if raw else made.hexdigest())


@pass_context
def _base64(context: Context, text: object, charset: str = "utf-8") -> str:
    return _made(context, base64.b64encode(str(text).encode(charset)).decode())


@pass_context
def _unix_time(context: Context) -> int:
    scene = context.get(_SCENE)
    if not isinstance(scene, Scene):
        return 0
    if "time" not in scene.pinned:
        scene.pinned["time"] = scene.unix_time()
    return int(scene.pinned["time"])


@pass_context
def _nonce(context: Context) -> str:
    scene = context.get(_SCENE)
    if not isinstance(scene, Scene):
        return ""
    if "nonce" not in scene.pinned:
        scene.pinned["nonce"] = secrets.token_hex(_NONCE_BYTES)
    return str(scene.pinned["nonce"])


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)


def _urlencode(text: object) -> str:
    return quote(str(text), safe="")


def _environment() -> SandboxedEnvironment:
    made = SandboxedEnvironment(
        undefined=StrictUndefined,
        autoescape=False,
        keep_trailing_newline=True,
    )
    made.globals.clear()
    made.globals.update(
        md5=_md5, sha256=_sha256, hmac_sha256=_hmac_sha256, base64=_base64,
        unix_time=_unix_time, nonce=_nonce,
    )  # fmt: skip
    made.filters.update(
        md5=_md5, sha256=_sha256, base64=_base64, json=_json, urlencode=_urlencode,
        urldecode=lambda text: unquote_plus(str(text)),
    )  # fmt: skip
    return made


_ENVIRONMENT = _environment()
FUNCTIONS = tuple(sorted(_ENVIRONMENT.globals))
ROOTS = ("account", "base_url", "secrets", "settings", "took")


def is_plain(source: str) -> bool:
    """Return whether there is nothing to render in *source*."""
    return "{" not in source or not any(mark in source for mark in ("{{", "{%", "{#"))


def plainly(text: str) -> str:
    """Return a template that renders to *text* itself."""
    return text if is_plain(text) else f"{{{{ {json.dumps(text, ensure_ascii=False)} }}}}"


@functools.lru_cache(maxsize=4096)
def _template(source: str) -> Template:
    return _ENVIRONMENT.from_string(source)


@functools.lru_cache(maxsize=1024)
def _expression(source: str) -> TemplateExpression:
    return _ENVIRONMENT.compile_expression(source, undefined_to_none=False)


def render(source: str, scene: Scene) -> str:
    """Return what *source* says in *scene*. Raise `TemplateFault`."""
    if is_plain(source):
        return source
    try:
        return _template(source).render(scene.names())
    except (TemplateError, TypeError, ValueError, ArithmeticError, LookupError) as error:
        raise TemplateFault(f"{type(error).__name__} in {source!r}") from None


def holds(expression: str, scene: Scene) -> bool:
    """Return whether *expression* holds in *scene*. Raise `TemplateFault`."""
    try:
        return bool(_expression(expression)(scene.names()))
    except (TemplateError, TypeError, ValueError, ArithmeticError, LookupError) as error:
        raise TemplateFault(f"{type(error).__name__} in {expression!r}") from None


# ---- what may be named


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What a template may name at its place. *took* has the names of what was taken by then.

    What has no names here may not be named at all: *why* says where it may.
    """

    settings: Collection[str] = ()
    secrets: Collection[str] = ()
    took: Collection[str] = ()
    forms: Collection[str] = ()  # those of *took* that are forms
    account: Collection[str] = _ACCOUNT
    roots: Collection[str] = ROOTS
    why: str = ""


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong in a template. *choices* are what was probably meant, to be suggested from."""

    found: str
    wanted: str = ""
    word: str = ""
    choices: tuple[str, ...] = ()


def problems(source: str, known: Known) -> Iterator[Problem]:
    """Yield what is wrong with the template *source*."""
    if is_plain(source):
        return
    try:
        tree = _ENVIRONMENT.parse(source)
        _ENVIRONMENT.compile(source)
    except TemplateError as error:
        said = str(error.message).rstrip(".").replace("\n", " ")
        yield Problem(f"a template with a mistake ({said})", "an expression of Jinja2")
        return
    if any(not isinstance(node, nodes.Output) for node in tree.body):
        yield Problem("a template with a statement ({% ... %})", "expressions only: {{ ... }}")
        return
    yield from _walk(tree, known)


def expression_problems(source: str, known: Known) -> Iterator[Problem]:
    """Yield what is wrong with the expression *source*, as `if` and `unless` have it."""
    if not is_plain(source):
        yield Problem("a template", 'an expression without braces, such as "took.token"')
        return
    yield from problems("{{ (" + source + ") }}", known)


def used(source: str) -> set[str]:
    """Return the roots that *source* names, functions among them; it has no problems."""
    if is_plain(source):
        return set()
    return {node.name for node in _ENVIRONMENT.parse(source).find_all(nodes.Name)}


def _walk(node: nodes.Node, known: Known) -> Iterator[Problem]:
    match node:
        case nodes.Call(node=nodes.Name(name=name)):
            if name not in FUNCTIONS:
                yield Problem(f"an unknown function {name}()", word=name, choices=FUNCTIONS)
            for child in (*node.args, *node.kwargs):
                yield from _walk(child, known)
            return
        case nodes.Getattr(node=nodes.Name(name=root), attr=str() as attribute):
            yield from _member(root, attribute, known)
            return
        case nodes.Getitem(node=nodes.Name(name=root), arg=nodes.Const(value=str() as attribute)):
            yield from _member(root, attribute, known)
            return
        case nodes.Getattr(
            node=nodes.Getattr(node=nodes.Name(name="took"), attr=str() as taken),
            attr=str() as attribute,
        ) if taken in known.forms and attribute not in _FORM:
            yield Problem(f"took.{taken}.{attribute}", word=attribute, choices=_FORM)
        case nodes.Getattr(attr=str() as attribute) if attribute.startswith("_"):
            yield Problem(f"an attribute {attribute}", "what the sandbox allows")
        case nodes.Name(name=name):
            yield from _bare(name, known)
        case _:
            pass
    for child in node.iter_child_nodes():
        yield from _walk(child, known)


def _bare(name: str, known: Known) -> Iterator[Problem]:
    if name == "base_url" and name in known.roots:
        return
    if name in known.roots:
        yield Problem(f"{name} by itself", f"one of it: {name}.NAME")
    elif name in ROOTS:
        yield Problem(name, known.why)
    else:
        members = [f"settings.{s}" for s in known.settings] + [f"took.{t}" for t in known.took]
        near = tuple(m for m in members if m.partition(".")[2] == name)
        yield Problem(f"an unknown name {name}", word=name, choices=near or tuple(known.roots))


def _member(root: str, attribute: str, known: Known) -> Iterator[Problem]:
    if root not in known.roots:
        if root in ROOTS:
            yield Problem(f"{root}.{attribute}", known.why)
        else:
            yield Problem(f"an unknown name {root}", word=root, choices=tuple(known.roots))
        return
    members: Mapping[str, Collection[str]] = {
        "settings": known.settings,
        "secrets": known.secrets,
        "took": known.took,
        "account": known.account,
    }
    if root in members and attribute not in members[root]:
        wanted = {
            "settings": "a setting of [settings]",
            "secrets": "a secret of [secrets]",
            "took": "what an earlier step takes",
            "account": known.why or "account.username or account.password",
        }[root]
        yield Problem(f"{root}.{attribute}", wanted, attribute, tuple(members[root]))
