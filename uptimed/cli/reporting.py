"""The month report."""

import re
import sys
from pathlib import Path

import click
from typing_extensions import override

from uptimed.cli.common import (
    Month,
    client_option,
    config_option,
    find_client,
    from_option,
    load_settings,
    now,
    record,
    software,
    told,
    wrong,
)
from uptimed.core.minutes import minute_of, month_minutes
from uptimed.core.observations import Instant
from uptimed.core.settings import ClientSettings, Settings
from uptimed.core.statement import Statement
from uptimed.ports import StoreError


class Span(click.ParamType[str]):
    """A year, with what *follows* it."""

    name = "PERIOD"

    def __init__(self, follows: str) -> None:
        self._follows = follows

    @override
    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return it as it was written."""
        if re.fullmatch(rf"2[0-9]{{3}}{self._follows}", value) is None:
            example = "2026-Q4" if self._follows else "2026"
            self.fail(f"found {value!r}, wanted one such as {example}", param, ctx)
        return value


@click.command()
@client_option
@click.option("--month", type=Month(), help="The month, in the client's zone.")
@click.option("--quarter", type=Span("-Q[1-4]"), metavar="YYYY-QN", help="A quarter, or")
@click.option("--year", type=Span(""), metavar="YYYY", help="a year, from the same minutes.")
@click.option(
    "--format",
    "form",
    type=click.Choice(["pdf", "html", "json", "csv"]),
    help="[default: by the output's name, else pdf]",
)
@click.option("--language", type=click.Choice(["es", "en", "ru"]), help="[default: the client's]")
@click.option(
    "-o",
    "--output",
    type=click.Path(),
    help="Where to; `-` is standard output. [default: CLIENT-MONTH.pdf for a PDF, else `-`]",
)
@click.option("--draft", is_flag=True, help="To look at it first: it does not count as given out.")
@from_option
@config_option
@told
def report(  # noqa: PLR0913 - one for each option
    client: str | None,
    month: tuple[int, int] | None,
    quarter: str | None,
    year: str | None,
    form: str | None,
    language: str | None,
    output: str | None,
    draft: bool,
    source: str,
    config: str | None,
) -> None:
    """Draw up a client's month: figures, outages, evidence and terms.

    It ends with 0 once it is written, whatever it says. The report of a month that is over counts
    as given out from then on: an exception has to be notified before. A draft does not.
    """
    from uptimed.wiring import papers

    settings = load_settings(config).settings
    whose = find_client(settings, client)
    form = form or papers.format_of(output) or "pdf"
    present = now()
    if sum(each is not None for each in (month, quarter, year)) != 1:
        wrong("wanted one of --month 2026-10, --quarter 2026-Q4 and --year 2026")
    if month is None:
        name = quarter or year or ""
        _long(settings, whose, name, form, language, output, source=source, present=present)
        return
    if month_minutes(*month, whose.zone).start > minute_of(present):
        wrong(f"--month: {month[0]}-{month[1]:02d} has not begun yet in {whose.zone_name}")
    if source == "journal":
        _own_up(settings, present)
    with record(settings, source) as reader:
        statement = papers.draw_up(
            reader,
            settings,
            whose,
            month,
            now=present,
            software=software(),
            draft=draft,
        )
    try:
        paper = papers.render(statement, form, language or whose.language)
    except papers.NoPaper as error:
        wrong(f"{whose.id} {month[0]}-{month[1]:02d}: {error}")
    if source == "journal":
        _give_out(settings, statement, present)
    _put(paper, output or (_pdf_name(statement) if form == "pdf" else "-"))


def _long(
    settings: Settings,
    client: ClientSettings,
    name: str,
    form: str,
    language: str | None,
    output: str | None,
    *,
    source: str,
    present: Instant,
) -> None:
    """Draw up a quarter or a year. It is never given out: only months have revisions."""
    from uptimed.wiring import papers

    first = 3 * int(name[-1]) - 2 if "Q" in name else 1
    if month_minutes(int(name[:4]), first, client.zone).start > minute_of(present):
        wrong(f"{name} has not begun yet in {client.zone_name}")
    with record(settings, source) as reader:
        long = papers.draw_up_long(reader, settings, client, name, now=present, software=software())
    try:
        paper = papers.render_long(long, form, language or client.language)
    except papers.NoPaper as error:
        wrong(f"{client.id} {name}: {error}")
    _put(paper, output or (f"{client.id}-{name}.pdf" if form == "pdf" else "-"))


def _pdf_name(statement: Statement) -> str:
    return f"{statement.client.id}-{statement.period.month}.pdf"


def _own_up(settings: Settings, present: Instant) -> None:
    """Say on record what a restored backup lost, so that the report tells it."""
    from uptimed.stores.sqlite import open_ledger, own_up

    path = Path(settings.journal_path)
    if not path.exists():
        return
    try:
        with open_ledger(path) as ledger:
            for entry in own_up(ledger, present):
                click.echo(
                    f"{entry.client}: a backup was put back, and entries were lost: see the "
                    "evidence in the report",
                    err=True,
                )
    except StoreError as error:
        click.echo(f"it could not be recorded what a restored backup lost: {error}", err=True)


def _give_out(settings: Settings, statement: Statement, present: Instant) -> None:
    """Record that it was given out; where the journal takes nothing the paper is made all the same.

    The next one that is drawn up is recorded then.
    """
    from uptimed.wiring.amending import give_out

    try:
        give_out(settings, statement, by="uptimed report", now=present)
    except StoreError as error:
        click.echo(f"it could not be recorded that this report was given out: {error}", err=True)


def _put(paper: bytes, target: str) -> None:
    """Write *paper* to *target*; `-` is standard output."""
    from uptimed.wiring.papers import write_atomically

    try:
        if target == "-":
            sys.stdout.buffer.write(paper)
            sys.stdout.buffer.flush()
            return
        if Path(target).exists() and not Path(target).is_file():
            Path(target).write_bytes(paper)  # a device or a pipe: it shall not be replaced
        else:
            write_atomically(Path(target), paper)
    except BrokenPipeError:
        raise  # whoever read has seen enough
    except OSError as error:
        wrong(f"{target}: {error.strerror}")
    click.echo(f"{target}: {len(paper):,} bytes", err=True)
