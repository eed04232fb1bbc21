"""The conversation of a login, step by step, for whoever adapts a flow: masked before it is cut.

It is gathered as it was and masked at the end, when every secret is known: a token that an answer
brings late hides itself in what came before.
"""

from collections.abc import Iterable, Mapping

from uptimed.ports import Mask

_GATHERED = 8192  # characters of a body
_SHOWN = 1500  # characters of a body, after masking
_LINE = 400  # characters of any other line
_LEAST = 256  # a mask that leaves less of a long text may have left half a secret at its end


def excerpt(text: str, mask: Mask, length: int) -> str:
    """Return the beginning of *text*, masked before it is cut: half a secret is not recognised."""
    masked = mask(text[:_GATHERED])
    if len(text) > _GATHERED and len(masked) < max(_LEAST, length):
        return "..."
    return masked if len(masked) <= length else masked[:length] + "..."


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
            self._lines.append(("  | ", _without_styles(body[: 8 * _GATHERED])))

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


def _without_styles(body: str) -> str:
    """Return *body* without the rules inside `<style>`, which tell nobody anything."""
    kept: list[str] = []
    place = 0
    while (begin := body.find("<style", place)) >= 0:
        end = body.find("</style>", begin)
        if end < 0:
            break
        kept.append(body[place:begin] + "<style>...")
        place = end
    return "".join(kept) + body[place:]


def _printable(text: str) -> str:
    """Return *text* without what would move the cursor of a terminal."""
    return "".join(c if c.isprintable() else " " for c in text)
