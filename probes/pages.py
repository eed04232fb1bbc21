"""What an answer of a login flow has in it: elements, forms, visible text, JSON, patterns.

A page comes from whoever answers, and may be made to hurt. It is bounded before it comes here;
libxml2 parses it without the interpreter's lock and gives up on what is nested too deeply; the
fields of a form are counted. Nothing here knows what an answer means.
"""

import functools
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from cssselect import HTMLTranslator, SelectorError
from lxml import etree

from uptimed.core.patterns import search

FORM_FIELDS = 200
"""More fields than any login form has; one of 1,000 is not sent back."""

FORM_CHARACTERS = 64 * 1024
_UNSEEN = frozenset({"script", "style", "template"})
_UNSENT = frozenset({"submit", "button", "image", "reset", "file"})
_TICKED = frozenset({"checkbox", "radio"})
_ENDS = ("</html>", "</HTML>")
_JSON_BEGINS = ("{", "[", '"')
_LIMIT_SELECTOR = 1000
_MOST_COMPLAINTS = 3
_LONGEST_COMPLAINT = 200  # characters: what is longer is a part of the page, not a message
_LOOKED_AT = 50  # elements
_MOST_NAMES = 30
_TOKEN = re.compile(r"[\w.+/=-]{18,}")
_LONGEST_WORDS = 40  # characters of what a link says
_PARTING = (
    "logout", "log out", "logoff", "log off", "signout", "sign out", "sign-out",
    "cerrar sesión", "salir", "выйти", "выход",
)  # fmt: skip
_TELLING = ("error", "alert", "invalid", "failure", "danger", "flash", "warning", "messages")
_COMPLAINTS = etree.XPath(
    "//*[not(self::script or self::style or self::body or self::html or self::input)]["
    "@role='alert' or "
    + " or ".join(
        "contains(translate(concat(@class, ' ', @id), 'ABCDEFGHIJKLMNOPQRSTUVWXYZ', "
        f"'abcdefghijklmnopqrstuvwxyz'), '{word}')"
        for word in _TELLING
    )
    + "]"
)


class PageTrouble(Exception):
    """The page is not one to go on with; the text says why."""


@dataclass(frozen=True, slots=True)
class TakenForm:
    """A form's fields, and where it is sent to: a link as the page has it."""

    action: str = ""
    fields: Mapping[str, str] = field(default_factory=dict)

    def __bool__(self) -> bool:
        """Return whether there was one."""
        return bool(self.action or self.fields)


def selector_problem(selector: str) -> str:
    """Return why *selector* is none, or ""."""
    try:
        _xpath(selector)
    except (SelectorError, etree.XPathError) as error:
        return str(error) or "not a selector"
    return ""


@functools.lru_cache(maxsize=1024)
def _xpath(selector: str) -> etree.XPath:
    return etree.XPath(HTMLTranslator().css_to_xpath(selector[:_LIMIT_SELECTOR]))


_ABSENT = object()


class Page:
    """A body as text, looked at in different ways; each of them is prepared once."""

    def __init__(self, body: str, content_type: str) -> None:
        self.body = body
        self._content_type = content_type.lower()
        self._root: etree._Element | None = None
        self._parsed = False
        self._text: str | None = None
        self._document: object = _ABSENT

    # ---- JSON

    def document(self) -> object:
        """Return what the body is as JSON. Raise ValueError where it is none."""
        if self._document is _ABSENT:
            try:
                self._document = json.loads(self.body.removeprefix("\ufeff"))
            except RecursionError as error:
                raise ValueError("nested too deeply") from error
        return self._document

    def beyond(self) -> str | None:
        """Return what comes after the end, "" after JSON, or None where the end is not there.

        A script that dies prints why in the place of the rest, and one that dies late after it.
        """
        place = max(self.body.rfind(end) for end in _ENDS)
        if place >= 0 and not self._is_json():
            return self.body[place + len(_ENDS[0]) :]
        try:
            return "" if isinstance(self.document(), dict | list) else None
        except ValueError:
            return None

    def _is_json(self) -> bool:
        return "json" in self._content_type or self.body.lstrip()[:1] in _JSON_BEGINS

    # ---- HTML

    def root(self) -> "etree._Element | None":
        """Return the page's element, or None where there is none."""
        if not self._parsed:
            self._parsed = True
            parser = etree.HTMLParser(
                encoding="utf-8", remove_comments=True, remove_pis=True, huge_tree=False
            )
            try:
                self._root = etree.fromstring(self.body.encode("utf-8", "replace"), parser)
            except (etree.XMLSyntaxError, ValueError):
                self._root = None
        return self._root

    def first(self, selector: str) -> "etree._Element | None":
        """Return the first element that *selector* finds."""
        root = self.root()
        if root is None:
            return None
        found = _xpath(selector)(root)
        return found[0] if isinstance(found, list) and found else None

    def text(self) -> str:
        """Return what people see, on one line and without case."""
        if self._text is None:
            self._text = as_seen(" ".join(self._seen()))
        return self._text

    def _seen(self) -> Iterator[str]:
        root = None if self._is_json() or "<" not in self.body else self.root()
        if root is None:
            yield self.body
            return
        for element in root.iter():
            if element.text and element.tag not in _UNSEEN:
                yield element.text
            if element.tail:
                yield element.tail

    def value(self, selector: str, attribute: str) -> str:
        """Return the text, or an attribute, of the first element that *selector* finds, or ""."""
        element = self.first(selector)
        if element is None:
            return ""
        if attribute:
            return element.get(attribute) or ""
        return " ".join("".join(element.itertext()).split())

    def form(self, selector: str) -> TakenForm:
        """Return the form that is, or is around, what *selector* finds. Raise `PageTrouble`."""
        element = self.first(selector)
        form = None if element is None else _form_of(element)
        if form is None:
            return TakenForm()
        return TakenForm(form.get("action") or "", _fields(form))

    def complaint(self) -> str:
        """Return what the page tells in the places where pages tell of trouble, or "".

        A guess by the names of classes: for people to read, not to judge by.
        """
        root = self.root() if "<" in self.body else None
        if root is None:
            return ""
        elements = _COMPLAINTS(root)
        found: list[str] = []
        for element in elements[:_LOOKED_AT] if isinstance(elements, list) else ():
            said = " ".join("".join(element.itertext()).split())
            is_new = not any(said in other for other in found)
            if 0 < len(said) <= _LONGEST_COMPLAINT and is_new:
                found.append(said)
        return "; ".join(found[:_MOST_COMPLAINTS])

    def ways_out(self) -> tuple[str, ...]:
        """Return the links and forms that look as if they sign out: `Logout: /logout`."""
        root = self.root() if "<" in self.body else None
        if root is None:
            return ()
        found: dict[str, None] = {}
        for element in root.iter("a", "form"):
            place = element.get("href") or element.get("action") or ""
            said = " ".join("".join(element.itertext()).split())[:_LONGEST_WORDS]
            if any(word in f"{place} {said}".lower() for word in _PARTING):
                method = (element.get("method") or "get").upper()
                found[f"{said!r}, {method} {place}"] = None
        return tuple(found)[:_MOST_COMPLAINTS]

    def tokens(self) -> tuple[str, ...]:
        """Return what stands in hidden fields and looks like a token, taken or not."""
        root = self.root() if "<" in self.body else None
        if root is None:
            return ()
        values = (e.get("value") or "" for e in root.iter("input") if e.get("type") == "hidden")
        return tuple(value for value in values if _TOKEN.fullmatch(value))

    def forms(self) -> tuple[str, ...]:
        """Return what each form has: `POST /login: username, password (password)`."""
        root = self.root() if "<" in self.body else None
        return tuple(map(_form_in_words, root.iter("form"))) if root is not None else ()

    # ---- patterns

    def match(self, pattern: str) -> str:
        """Return the first group of *pattern*, or all of it, where it is found; else ""."""
        found = search(pattern, self.body)
        if found is None:
            return ""
        return (found.group(1) if found.groups() else found.group()) or ""


def as_seen(text: str) -> str:
    """Return *text* on one line, spaces made one and without case."""
    return " ".join(text.split()).casefold()


def _form_in_words(form: "etree._Element") -> str:
    names: list[str] = []
    for element in form.iter("input", "select", "textarea"):
        kind = (element.get("type") or "text").lower() if element.tag == "input" else element.tag
        name = element.get("name")
        if name and kind not in _UNSENT:
            names.append(name if kind == "text" else f"{name} ({kind})")
    method = (form.get("method") or "get").upper()
    return f"{method} {form.get('action') or 'here'}: {', '.join(names[:_MOST_NAMES])}"


def _form_of(element: "etree._Element") -> "etree._Element | None":
    if element.tag == "form":
        return element
    tree = element.getroottree()
    owner = element.get("form")
    if owner:
        named = [form for form in tree.iter("form") if form.get("id") == owner]
        return named[0] if named else None
    around = next(element.iterancestors("form"), None)
    if around is not None:
        return around
    forms = list(tree.iter("form"))  # a form inside a table may end too early
    return forms[0] if len(forms) == 1 else None


def _fields(form: "etree._Element") -> dict[str, str]:
    fields: dict[str, str] = {}
    size = count = 0
    for element in form.iter("input", "select", "textarea"):
        name = element.get("name") or ""
        value = None if element.get("disabled") is not None else _sent(element)
        if not name or value is None:
            continue
        count += 1
        size += len(name) + len(value)
        if count > FORM_FIELDS or size > FORM_CHARACTERS:
            raise PageTrouble(
                f"the form has more than {FORM_FIELDS} fields or {FORM_CHARACTERS // 1024} KiB: "
                "no login form has"
            )
        fields[name] = value
    return fields


def _sent(element: "etree._Element") -> str | None:
    """Return what a browser would send for *element*, None where nothing."""
    if element.tag == "textarea":
        return "".join(element.itertext())
    if element.tag == "select":
        options = list(element.iter("option"))
        chosen = [o for o in options if o.get("selected") is not None] or options[:1]
        if not chosen:
            return None
        value = chosen[0].get("value")
        return value if value is not None else " ".join("".join(chosen[0].itertext()).split())
    kind = (element.get("type") or "text").lower()
    if kind in _UNSENT:
        return None
    if kind in _TICKED:
        return (element.get("value") or "on") if element.get("checked") is not None else None
    return element.get("value") or ""
