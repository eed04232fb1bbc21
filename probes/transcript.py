"""The conversation of a login, step by step, for whoever adapts a flow: masked before it is cut.

It is gathered as it was and masked at the end, when every secret is known: a token that an answer
brings late hides itself in what came before.
"""

from collections.abc import Iterable, Mapping

from uptimed.ports import Mask

_GATHERED = 8192  # characters of a body
_SHOWN = 2000  # characters of a body, after masking
_LINE = 400  # characters of any other line
_MACHINERY = (
    ("<!--", "-->", ""),
    ("<style", "</style>", "<style>..."),
    ("<script", "</script>", "<script>..."),
    ("<svg", "</svg>", "<svg>..."),
    ("<link", ">", ""),
    ("<meta", ">", ""),
)
_LEAST = 256  # a mask that leaves less of a long text may have left half a secret at its end


def excerpt(text: str, mask: Mask, length: int) -> str:
    """Return the beginning of *text*, masked before it is cut: half a secret is not recognised."""
    masked = mask(text[:_GATHERED])
    if len(text) > _GATHERED and len(masked) < max(_LEAST, length):
        return "..."
    return masked if len(masked) <= length else masked[:length] + "..."


def unheard(_lines: tuple[str, ...]) -> None:
    """Tell nobody of a transcript."""


class Transcript:
    """Lines as they come, of which some are bodies."""

    def __init__(self) -> None:
        self._lines: list[tuple[str, str]] = []

    def step(self, section: str, step: str) -> None:
        """Begin a step."""
        self._lines.append((f"{section}: {step}", ""))

    def say(self, text: str) -> None:
        """Add a remark."""
        self._lines.append(("  " + text, ""))

    def request(self, method: str, url: str, headers: Mapping[str, str], body: str) -> None:
        """Add what is sent."""
        self._lines.append((f"  > {method} {url}", ""))
        self._lines.extend((f"  > {name}: {value}", "") for name, value in headers.items())
        if body:
            self._lines.append(("  > ", body))

    def answer(self, status: int, headers: Iterable[tuple[str, str]], body: str) -> None:
        """Add what came back."""
        self._lines.append((f"  < {status}", ""))
        self._lines.extend((f"  < {name}: {value}", "") for name, value in headers)
        if body:
            self._lines.append(("  | ", _without_machinery(body[: 16 * _GATHERED])))

    def masked(self, mask: Mask) -> tuple[str, ...]:
        """Return the lines."""
        found: list[str] = []
        for line, body in self._lines:
            if not body:
                found.append(_printable(excerpt(line, mask, _LINE)))
                continue
            shown = excerpt(body, mask, _SHOWN)
            found.extend(line + _printable(part) for part in shown.splitlines() if part.strip())
        return tuple(found)


def _without_machinery(body: str) -> str:
    """Return *body* without what comes before the form in every page, and tells nobody anything."""
    for begin, end, instead in _MACHINERY:
        body = _without(body, begin, end, instead)
    return body


def _without(body: str, begin: str, end: str, instead: str) -> str:
    kept: list[str] = []
    place = 0
    lower = body.lower()
    if len(lower) != len(body):  # some letters change their length; then as it stands
        lower = body
    while (first := lower.find(begin, place)) >= 0:
        last = lower.find(end, first)
        if last < 0:
            break
        kept.append(body[place:first] + instead)
        place = last + len(end)
    return "".join(kept) + body[place:]


def _printable(text: str) -> str:
    """Return *text* without what would move the cursor of a terminal."""
    return "".join(c if c.isprintable() else " " for c in text)
