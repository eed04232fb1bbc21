"""Takes secrets out of text, in whatever form they come back.

A transcript, a log line or an error page may hold a secret as it is, escaped for a URL, for JSON or
for HTML, in the base64 of a header, or as the digest that some login flows send. So the text is
read in several views, each with some escapes undone, and every secret is looked for in each. The
mark that is left tells nothing of the secret's length.

The cost grows with the text's length times the number of secrets, and with nothing worse: two
thousand secrets in a page of 12 KB take less than half a second.
"""

import base64
import hashlib
import html
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

MARK = "***"

_SHORT = 4  # characters; a shorter secret is hidden as a whole word only
_LEAST_PATH = 8  # characters; a shorter path of a secret URL may be any word
_SIGNING = "whsec_"  # what Standard Webhooks put before the base64 of a key
_LEAST_BASE64 = 6  # characters of base64 that are surely the secret's
_LAST_CHARACTER = 0x10FFFF
_DEPTH = 2  # escapes upon escapes: a URL inside a URL, JSON inside HTML
_SCHEMES = frozenset({"apikey", "basic", "bearer", "token"})

_PERCENT = re.compile(r"(?:%[0-9a-fA-F]{2})+")
_HTML = re.compile(r"&(?:#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,30});")
_JSON = re.compile(
    r"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"
    r"|\\u[0-9a-fA-F]{4}|(?:\\x[0-9a-fA-F]{2})+|\\[\"'\\/bfnrt]"
)
_JSON_LETTERS = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}


def masker(secrets: Iterable[str]) -> Callable[[str], str]:
    """Return a function that puts `***` in the place of each of *secrets*.

    Where secrets overlap, one mark covers them all. Empty ones are ignored. Of `Bearer x` and
    `Basic x`, the value of a header, x and what it encodes are hidden by themselves, and so are
    the path of a URL and what stands behind `whsec_`.
    """
    parts = {part for secret in secrets for part in _parts(secret) if part}
    needles = [needle for part in sorted(parts) for needle in _needles(part)]

    def mask(text: str) -> str:
        spans = {span for view in _views(text) for span in _found(view, needles)} if needles else ()
        return _replace(text, sorted(spans))

    return mask


def _parts(secret: str) -> Iterator[str]:
    yield secret
    if secret.startswith(_SIGNING):
        yield secret.removeprefix(_SIGNING)
    if secret.startswith(("https://", "http://")):
        _, _, path = secret.partition("://")[2].partition("/")
        yield path if len(path) >= _LEAST_PATH else ""
    scheme, _, rest = secret.strip().partition(" ")
    if scheme.lower() in _SCHEMES:
        yield rest.strip()
    if scheme.lower() == "basic":
        try:
            pair = base64.b64decode(rest.strip(), validate=True).decode()
        except ValueError:
            return
        yield pair
        yield pair.partition(":")[2]


# What is looked for.


@dataclass(frozen=True, slots=True)
class _Needle:
    text: str
    whole_word: bool
    padded: bool  # base64: the signs after it belong to it


def _needles(secret: str) -> Iterator[_Needle]:
    whole_word = len(secret) < _SHORT
    yield _Needle(secret, whole_word, padded=False)
    for form in (*_digests(secret), *_base64(secret)):
        yield _Needle(form, whole_word, padded=True)


def _digests(secret: str) -> Iterator[str]:
    encoded = secret.encode("utf-8", "surrogatepass")
    for name in ("sha256", "sha1", "md5"):
        digest = hashlib.new(name, encoded, usedforsecurity=False)
        yield digest.hexdigest()
        yield digest.hexdigest().upper()
        yield base64.b64encode(digest.digest()).decode().rstrip("=")


def _base64(secret: str) -> Iterator[str]:
    """Yield the base64 of *secret*, alone and in the midst of something longer.

    In the midst (`user:secret` of a header), the characters at both ends are also made of what is
    beside the secret; those in between are the same wherever it stands in a group of three bytes.
    """
    encoded = secret.encode("utf-8", "surrogatepass")
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        yield encode(encoded).decode().rstrip("=")
        for before in range(3):
            padded = encode(b"\0" * before + encoded).decode().rstrip("=")
            inside = padded[-(-before * 8 // 6) : (before + len(encoded)) * 8 // 6]
            if len(inside) >= _LEAST_BASE64:
                yield inside


# Where it is looked for.

Undo = Callable[[str], Iterable[tuple[str, int]]]
"""Takes an escape, or a run of them; gives each character, and how long its escape is."""


@dataclass(frozen=True, slots=True)
class _View:
    """A text with some escapes undone.

    Character n stands for the original's characters from *starts[n]* to *starts[n + 1]*; *starts*
    is None where nothing was undone.
    """

    text: str
    starts: Sequence[int] | None = None

    def span(self, start: int, stop: int) -> tuple[int, int]:
        """Return what of the original the characters from *start* to *stop* stand for."""
        if self.starts is None:
            return start, stop
        return self.starts[start], self.starts[stop]

    def undone(self, escapes: re.Pattern[str], undo: Undo) -> "_View | None":
        """Return the view with *escapes* undone, or None where there are none."""
        pieces: list[str] = []
        places: list[int] = []  # in this view's text
        last = 0
        for match in escapes.finditer(self.text):
            pieces.append(self.text[last : match.start()])
            places.extend(range(last, match.start()))
            place = match.start()
            for character, length in undo(match[0]):
                pieces.append(character)
                places.append(place)
                place += length
            last = match.end()
        if not last:
            return None
        pieces.append(self.text[last:])
        places.extend(range(last, len(self.text) + 1))
        starts = places if self.starts is None else [self.starts[place] for place in places]
        return _View("".join(pieces), starts)


def _bytes_undone(run: bytes, length: int) -> Iterator[tuple[str, int]]:
    """Give the characters of UTF-8 bytes that were escaped one by one, each in *length*."""
    for character in run.decode("utf-8", "surrogateescape"):
        yield character, length * len(character.encode("utf-8", "surrogateescape"))


def _undo_percent(run: str) -> Iterator[tuple[str, int]]:
    yield from _bytes_undone(bytes.fromhex(run.replace("%", "")), 3)


def _undo_form(run: str) -> Iterator[tuple[str, int]]:
    if run == "+":
        yield " ", 1
    else:
        yield from _undo_percent(run)


def _undo_html(escape: str) -> Iterator[tuple[str, int]]:
    undone = _numbered(escape) if escape.startswith("&#") else html.unescape(escape)
    if undone == escape:
        yield from ((character, 1) for character in escape)
    elif undone:
        yield undone[0], len(escape)
        yield from ((character, 0) for character in undone[1:])


def _numbered(escape: str) -> str:
    """Return the character of `&#8364;` or `&#x20AC;`, whatever browsers make of it."""
    digits = escape[2:-1]
    number = int(digits[1:], 16) if digits[0] in "xX" else int(digits)
    return chr(number) if number <= _LAST_CHARACTER else escape


def _undo_json(escape: str) -> Iterator[tuple[str, int]]:
    if escape.startswith("\\u"):
        units = bytes.fromhex(escape.replace("\\u", ""))
        yield units.decode("utf-16-be", "surrogatepass"), len(escape)
    elif escape.startswith("\\x"):
        yield from _bytes_undone(bytes.fromhex(escape.replace("\\x", "")), 4)
    else:
        yield _JSON_LETTERS.get(escape[1], escape[1]), 2


_FORM = re.compile(rf"\+|{_PERCENT.pattern}")
_ESCAPES: tuple[tuple[re.Pattern[str], Undo], ...] = (
    (_PERCENT, _undo_percent),
    (_FORM, _undo_form),
    (_HTML, _undo_html),
    (_JSON, _undo_json),
)


def _views(whole: str) -> Iterator[_View]:
    seen = {whole}
    views = [_View(whole)]
    yield views[0]
    for _ in range(_DEPTH):
        further = {
            undone.text: undone
            for view in views
            for escapes, undo in _ESCAPES
            if (undone := view.undone(escapes, undo)) is not None
        }
        views = [view for text, view in further.items() if text not in seen]
        seen.update(further)
        yield from views


def _found(view: _View, needles: Iterable[_Needle]) -> Iterator[tuple[int, int]]:
    text = view.text
    for needle in needles:
        start = text.find(needle.text)
        while start >= 0:
            stop = start + len(needle.text)
            if not needle.whole_word or _is_word(text, start, stop):
                while needle.padded and text.startswith("=", stop):
                    stop += 1
                yield view.span(start, stop)
            start = text.find(needle.text, start + 1)


def _is_word(text: str, start: int, stop: int) -> bool:
    beside = text[max(start - 1, 0) : start] + text[stop : stop + 1]
    return re.search(r"\w", beside) is None


def _replace(text: str, spans: Sequence[tuple[int, int]]) -> str:
    """Put a mark in the place of each of the sorted *spans*; those that overlap get one."""
    pieces: list[str] = []
    last = 0
    for start, stop in spans:
        if start >= last:
            pieces += [text[last:start], MARK]
        last = max(last, stop)
    return "".join([*pieces, text[last:]])
