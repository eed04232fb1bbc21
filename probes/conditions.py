"""Whether an answer is as a condition says, and how it is not, in words for a pager.

Pure, but for the parsing of a page.
"""

import functools
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from probes.pages import Page, as_seen
from probes.templates import Scene, is_plain, render
from uptimed.core.flows import Condition
from uptimed.core.judging import ABSENT, json_problem, json_value
from uptimed.core.patterns import search
from uptimed.core.targets import JsonWant


def _nothing(_text: str) -> str:
    return "..."


@dataclass(frozen=True, slots=True)
class Seen:
    """An answer as conditions see it. *cookies* are those that are held by now.

    *show* is what is shown of a text of the answer, masked and cut; by default nothing is, which
    costs nothing.
    """

    status: int
    headers: Mapping[str, str]
    page: Page
    cookies: Mapping[str, str]
    show: Callable[[str], str] = _nothing

    @property
    def location(self) -> str:
        """Return where it redirects to, or ""."""
        return self.headers.get("Location", "")

    def show_json(self, value: object) -> str:
        """Return what is shown of a value of the answer's document."""
        return self.show(json.dumps(value, ensure_ascii=False))


@dataclass(slots=True)
class Match:
    """What came of a condition: the first *miss*, or the *marker* that was found."""

    miss: str = ""
    marker: str = ""


def matched(when: Condition | None, seen: Seen, scene: Scene) -> Match:
    """Return whether *seen* is as *when* says: then there is no miss."""
    if when is None:
        return Match()
    match = Match()
    for miss in _misses(when, seen, scene, match):
        match.miss = miss
        return match
    return match


def held(when: Condition | None, seen: Seen, scene: Scene, match: Match) -> str:
    """Return what *when* was found by, in words."""
    if match.marker:
        return f"it says {match.marker!r}"
    if when is not None and when.css is not None:
        return f"the page has {render(when.css, scene)}"
    return f"status {seen.status}{_to(seen)}"


def needs_page(when: Condition | None) -> bool:
    """Return whether a condition has to parse the page."""
    return when is not None and any(
        part is not None for part in (when.css, when.not_css, when.text, when.not_text)
    )


def _misses(when: Condition, seen: Seen, scene: Scene, match: Match) -> Iterator[str]:
    """Yield what is not as wanted, what costs least to know first."""
    yield from _status(when, seen)
    yield from _location(when, seen, scene, match)
    yield from _headers(when, seen, scene, match)
    yield from _cookies(when, seen, scene)
    yield from _body(when, seen, scene, match)
    yield from _documents(when, seen, scene, match)
    yield from _page(when, seen, scene, match)


def _status(when: Condition, seen: Seen) -> Iterator[str]:
    if when.statuses and not _is_in(seen.status, when.statuses):
        yield f"status {seen.status}{_to(seen)}, wanted {_ranges(when.statuses)}"
    if when.not_statuses and _is_in(seen.status, when.not_statuses):
        yield f"status {seen.status}{_to(seen)}, wanted another than {_ranges(when.not_statuses)}"


def _to(seen: Seen) -> str:
    return f" (to {seen.show(seen.location)})" if seen.location else ""


def _is_in(status: int, ranges: Sequence[tuple[int, int]]) -> bool:
    return any(low <= status <= high for low, high in ranges)


def _ranges(ranges: Sequence[tuple[int, int]]) -> str:
    return " or ".join(str(low) if low == high else f"{low} to {high}" for low, high in ranges)


def _location(when: Condition, seen: Seen, scene: Scene, match: Match) -> Iterator[str]:
    place = seen.location
    said = f"redirects to {seen.show(place)!r}" if place else "redirects nowhere"
    yield from _marker(when.location, place, scene, match, f"{said}, wanted")
    yield from _no_marker(when.not_location, place, scene, "redirects to")
    pattern = when.location_matches
    if pattern is not None:
        pattern = render(pattern, scene)
        if search(pattern, place) is None:
            yield f"{said}, wanted {pattern!r}"
        else:
            match.marker = pattern


def _headers(when: Condition, seen: Seen, scene: Scene, match: Match) -> Iterator[str]:
    for name, marker in when.header.items():
        value = seen.headers.get(name, "")
        if marker == "*":
            if not value:
                yield f"no header {name}"
        else:
            said = f"header {name} is {seen.show(value)!r}" if value else f"no header {name}"
            yield from _marker(marker, value, scene, match, f"{said}, wanted")
    for name, marker in when.not_header.items():
        value = seen.headers.get(name, "")
        if marker == "*" and value:
            yield f"header {name}, which is not wanted"
        yield from _no_marker(marker, value, scene, f"header {name} has")


def _cookies(when: Condition, seen: Seen, scene: Scene) -> Iterator[str]:
    if when.cookie is not None and not seen.cookies.get(render(when.cookie, scene)):
        yield f"no cookie {render(when.cookie, scene)}"
    if when.not_cookie is not None and seen.cookies.get(render(when.not_cookie, scene)):
        yield f"cookie {render(when.not_cookie, scene)}, which is not wanted"


def _body(when: Condition, seen: Seen, scene: Scene, match: Match) -> Iterator[str]:
    body = seen.page.body
    if when.empty is not None and bool(body.strip()) is when.empty:
        yield f"body is {seen.show(body)!r}, wanted none" if when.empty else "body is empty"
    yield from _marker(when.body, body, scene, match, "body lacks")
    yield from _no_marker(when.not_body, body, scene, "body has")
    if when.body_matches is not None:
        pattern = render(when.body_matches, scene)
        if search(pattern, body) is None:
            yield f"body does not match {pattern!r}"
        else:
            match.marker = pattern


def _documents(when: Condition, seen: Seen, scene: Scene, match: Match) -> Iterator[str]:
    if not when.json and not when.not_json:
        return
    try:
        document = seen.page.document()
    except ValueError:
        if when.json:
            yield f"body is not JSON: {seen.show(seen.page.body)!r}"
        return
    for want in when.json:
        problem = json_problem(document, _bound(want, scene), seen.show_json)
        if problem:
            yield problem
    for want in when.not_json:
        if not json_problem(document, _bound(want, scene)):
            value = json_value(document, want.pointer)
            found = "none" if value is ABSENT else seen.show_json(value)
            yield f"{want.pointer or 'the whole document'} is {found}, which is not wanted"
    if when.json and not match.marker:
        match.marker = " ".join(want.pointer for want in when.json).strip()


def _bound(want: JsonWant, scene: Scene) -> JsonWant:
    if not isinstance(want.value, str):
        return want
    return JsonWant(pointer=want.pointer, op=want.op, value=render(want.value, scene))


def _page(when: Condition, seen: Seen, scene: Scene, match: Match) -> Iterator[str]:
    if when.css is not None:
        selector = render(when.css, scene)
        if seen.page.first(selector) is None:
            yield f"nothing on the page is {selector}"
    if when.not_css is not None:
        selector = render(when.not_css, scene)
        if seen.page.first(selector) is not None:
            yield f"the page has {selector}, which is not wanted"
    if when.text is not None:
        lines = _lines(when.text, scene, as_seen)
        text = seen.page.text() if lines else ""  # not read for a marker that is not set
        yield from _missing(lines, text, match, "the page lacks")
    if when.not_text is not None:
        yield from _no_marker(when.not_text, seen.page.text(), scene, "the page says", as_seen)


def _plain(text: str) -> str:
    return text


def _lines(
    marker: str, scene: Scene, form: Callable[[str], str] = _plain
) -> Sequence[tuple[str, str]]:
    """Return the lines of *marker*, each with what it looks like in a text of that *form*."""
    if is_plain(marker):
        return _plain_lines(marker, form)
    return _split(render(marker, scene), form)


def _split(marker: str, form: Callable[[str], str]) -> tuple[tuple[str, str], ...]:
    lines = (line.strip() for line in marker.splitlines())
    return tuple((line, form(line)) for line in lines if line)


_plain_lines = functools.lru_cache(maxsize=4096)(_split)  # the same for every look


def _marker(marker: str | None, text: str, scene: Scene, match: Match, said: str) -> Iterator[str]:
    if marker is not None:
        yield from _missing(_lines(marker, scene), text, match, said)


def _missing(lines: Sequence[tuple[str, str]], text: str, match: Match, said: str) -> Iterator[str]:
    for line, looked_for in lines:
        if looked_for in text:
            match.marker = line
            return
    names = " or ".join(repr(line) for line, _ in lines[:3])
    names += f" or {len(lines) - 3} more" if len(lines) > 3 else ""
    yield f"{said} {names or 'a marker that is not set'}"


def _no_marker(
    marker: str | None,
    text: str,
    scene: Scene,
    said: str,
    form: Callable[[str], str] = _plain,
) -> Iterator[str]:
    if marker is None:
        return
    for line, looked_for in _lines(marker, scene, form):
        if looked_for in text:
            yield f"{said} {line!r}, which is not wanted"
            return
