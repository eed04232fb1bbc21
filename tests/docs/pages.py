"""The pages of the documentation, taken apart: headings, code, tables, links."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from typing_extensions import override

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = sorted([*ROOT.glob("*.md"), *DOCS.glob("*.md")])

_HEADING = re.compile(r"(#{1,6}) (.+)")
_LINK = re.compile(r"\]\(([^)\s]+)\)")
_CODE = re.compile(r"`([^`]+)`")
_CELL = re.compile(r"(?<!\\)\|")


@dataclass(frozen=True, slots=True)
class Block:
    """A piece of code in a fence, and the language that it says it is."""

    page: Path
    line: int
    language: str
    text: str

    @override
    def __str__(self) -> str:
        return f"{self.page.name}:{self.line}"


@cache
def text_of(page: Path) -> str:
    return page.read_text(encoding="utf-8")


def named(name: str) -> str:
    """Return the text of a page of `docs/`."""
    return text_of(DOCS / name)


def blocks(page: Path) -> Iterator[Block]:
    """Yield what stands between fences."""
    begun: tuple[int, str] | None = None
    lines: list[str] = []
    for number, line in enumerate(text_of(page).splitlines(), start=1):
        if not line.startswith("```"):
            lines.append(line)
        elif begun is None:
            begun, lines = (number, line.removeprefix("```")), []
        else:
            yield Block(page, begun[0], begun[1], "\n".join(lines) + "\n")
            begun = None
    assert begun is None, f"{page.name}: a fence that is not closed"


def without_fences(page: Path) -> str:
    return re.sub(r"^```.*?^```$", "", text_of(page), flags=re.DOTALL | re.MULTILINE)


def indented(text: str) -> Iterator[tuple[str, ...]]:
    """Yield the pieces of code that are indented by four spaces, as lines without the indent."""
    for match in re.finditer(r"(?:^(?: {4}.*)?\n)+", text, re.MULTILINE):
        for piece in re.split(r"\n\s*\n", match[0].strip("\n")):
            lines = tuple(line[4:] for line in piece.splitlines() if line.startswith("    "))
            if lines:
                yield lines


def links(page: Path) -> list[str]:
    return _LINK.findall(without_fences(page))


def anchors(page: Path) -> set[str]:
    """Return what can be linked to in a page."""
    return {anchor_of(heading) for _, heading, _ in sections(page)}


def anchor_of(heading: str) -> str:
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def sections(page: Path) -> list[tuple[int, str, str]]:
    """Return level, heading and text of each section, up to the next heading of any level."""
    found: list[tuple[int, str, str]] = []
    fenced = False
    for line in text_of(page).splitlines():
        fenced ^= line.startswith("```")
        match = None if fenced else _HEADING.fullmatch(line)
        if match:
            found.append((len(match[1]), match[2], ""))
        elif found:
            level, heading, text = found[-1]
            found[-1] = level, heading, f"{text}{line}\n"
    return found


def section(page: str, heading: str) -> str:
    return next(text for _, found, text in sections(DOCS / page) if found == heading)


def tables(text: str) -> list[list[list[str]]]:
    """Return the tables of *text*: rows of cells, the header first, without the line under it."""
    found: list[list[list[str]]] = []
    inside = False
    for line in text.splitlines():
        if not line.startswith("|"):
            inside = False
            continue
        if not inside:
            found.append([])
            inside = True
        cells = [cell.strip() for cell in _CELL.split(line)[1:-1]]
        if not set(line) <= set("|-: "):
            found[-1].append(cells)
    return found


def codes(text: str) -> list[str]:
    """Return what stands between backticks."""
    return _CODE.findall(text)
