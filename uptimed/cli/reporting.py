"""The month report."""

import sys
from pathlib import Path

import click

from uptimed.cli.common import (
    Month,
    config_option,
    find_client,
    load_settings,
    now,
    reading,
    told,
    version,
    wrong,
)
from uptimed.core.minutes import minute_of, month_minutes


@click.command()
@click.option("--client", help="The client's id; needed when there are several.")
@click.option("--month", type=Month(), required=True, help="The month, in the client's zone.")
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
@config_option
@told
def report(
    client: str | None,
    month: tuple[int, int],
    form: str | None,
    language: str | None,
    output: str | None,
    config: str | None,
) -> None:
    """Draw up a client's month: figures, outages, evidence and terms.

    It ends with 0 once it is written, whatever it says.
    """
    from uptimed.wiring import papers

    settings = load_settings(config).settings
    whose = find_client(settings, client)
    form = form or papers.format_of(output) or "pdf"
    present = now()
    if month_minutes(*month, whose.zone).start > minute_of(present):
        wrong(f"--month: {month[0]}-{month[1]:02d} has not begun yet in {whose.zone_name}")
    with reading(settings) as reader:
        statement = papers.draw_up(
            reader, settings, whose, month, now=present, software=f"uptimed {version()}"
        )
    try:
        paper = papers.render(statement, form, language or whose.language)
    except papers.NoPaper as error:
        wrong(f"{whose.id} {month[0]}-{month[1]:02d}: {error}")
    name = f"{whose.id}-{month[0]}-{month[1]:02d}.pdf"
    target = output or (name if form == "pdf" else "-")
    try:
        if target == "-":
            sys.stdout.buffer.write(paper)
            sys.stdout.buffer.flush()
            return
        if Path(target).exists() and not Path(target).is_file():
            Path(target).write_bytes(paper)  # a device or a pipe: it shall not be replaced
        else:
            papers.write_atomically(Path(target), paper)
    except BrokenPipeError:
        raise  # whoever read has seen enough
    except OSError as error:
        wrong(f"{target}: {error.strerror}")
    click.echo(f"{target}: {len(paper):,} bytes", err=True)
