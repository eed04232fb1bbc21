"""From the journal to a paper: the statement of a month, and what it is rendered as."""

from pathlib import Path

from reports.as_csv import minutes_csv
from reports.as_json import report_json
from reports.files import write_atomically
from reports.long_json import long_json
from uptimed.core.long_period import LongStatement
from uptimed.core.observations import Instant
from uptimed.core.settings import ClientSettings, Operator, Settings
from uptimed.core.statement import Party, Statement
from uptimed.ledger.long_period import long_statement
from uptimed.ledger.statement import statement
from uptimed.ports import JournalReader

__all__ = [
    "NoPaper", "draw_up", "draw_up_long", "format_of", "party_of", "render", "render_long",
    "write_atomically",
]  # fmt: skip

_RENDER_TIMEOUT_S = 120.0
_LOGO_TYPES = {".svg": "image/svg+xml", ".png": "image/png"}
_LARGEST_LOGO = 1_000_000  # bytes: it stands on every page


class NoPaper(Exception):
    """A paper could not be rendered; the message says why."""


def draw_up(
    reader: JournalReader,
    settings: Settings,
    client: ClientSettings,
    month: tuple[int, int],
    *,
    now: Instant,
    software: str,
    draft: bool = False,
) -> Statement:
    """Return the month of *client* as it stands at *now*; a *draft* is not to be given out."""
    return statement(
        reader,
        settings,
        client,
        month,
        now=now,
        software=software,
        parties=(party_of(client), party_of(settings.operator)),
        draft=draft,
    )


def draw_up_long(
    reader: JournalReader,
    settings: Settings,
    client: ClientSettings,
    name: str,
    *,
    now: Instant,
    software: str,
) -> LongStatement:
    """Return the quarter (`2026-Q4`) or the year (`2026`) of *client* as it stands at *now*."""
    year, _, quarter = name.partition("-Q")
    first = 3 * int(quarter) - 2 if quarter else 1
    months = tuple((int(year), first + n) for n in range(3 if quarter else 12))
    return long_statement(
        reader, settings, client, name, months, now=now, software=software,
        parties=(party_of(client), party_of(settings.operator)),
    )  # fmt: skip


def render_long(statement: LongStatement, form: str, language: str) -> bytes:
    """Return a quarter or a year as pdf, html or json. Raise `NoPaper` where that fails."""
    match form:
        case "json":
            return long_json(statement).encode()
        case "html":
            from reports.html import long_html

            return long_html(statement, language).encode()
        case "pdf":
            return _pdf(statement, language)
        case _:
            raise NoPaper(f"{form} is for one month; take pdf, html or json")


def _pdf(statement: Statement | LongStatement, language: str) -> bytes:
    from reports.pdf import RenderingFailed, render_in_subprocess

    try:
        return render_in_subprocess(statement, language, timeout=_RENDER_TIMEOUT_S)
    except RenderingFailed as error:
        raise NoPaper(str(error)) from error


def party_of(who: ClientSettings | Operator) -> Party:
    """Return who is named on the paper, with the logo read."""
    logo, logo_type = _logo(who.logo)
    return Party(
        name=who.name,
        id=who.id if isinstance(who, ClientSettings) else "",
        logo=logo,
        logo_type=logo_type,
        colour=who.colour,
        contact=who.contact if isinstance(who, Operator) else "",
    )


def _logo(path: str) -> tuple[bytes, str]:
    """Return the logo's bytes and type; a paper goes out without one that cannot be read."""
    kind = _LOGO_TYPES.get(Path(path).suffix.lower(), "")
    if not path or not kind:
        return b"", ""
    try:
        content = Path(path).read_bytes()
    except OSError:
        return b"", ""
    return (content, kind) if len(content) <= _LARGEST_LOGO else (b"", "")


def format_of(output: str | None) -> str | None:
    """Return the format that a file's name asks for, or None."""
    suffix = Path(output).suffix.lower() if output else ""
    return {".pdf": "pdf", ".html": "html", ".json": "json", ".csv": "csv"}.get(suffix)


def render(statement: Statement, form: str, language: str) -> bytes:
    """Return *statement* as pdf, html, json or csv. Raise `NoPaper` where that fails."""
    match form:
        case "json":
            return report_json(statement).encode()
        case "csv":
            return minutes_csv(statement).encode()
        case "html":
            from reports.html import report_html

            return report_html(statement, language).encode()
        case "pdf":
            return _pdf(statement, language)
        case _:
            raise ValueError(f"no such format: {form}")
