"""Looks in and out of files, and copies of the journal."""

import shutil
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import chain, islice
from pathlib import Path
from typing import IO

import click

from uptimed.cli.common import (
    Month,
    config_option,
    counted,
    find_client,
    find_service,
    load_settings,
    minute_at,
    now,
    record,
    show_utc,
    told,
    wrong,
)
from uptimed.core.corrections import present
from uptimed.core.lookfile import (
    Blinded,
    Known,
    KnownProbe,
    Line,
    Malformed,
    Place,
    columns_for,
    fields,
    numbered_csv,
    numbered_jsonl,
    read_csv,
    read_jsonl,
    show_instant,
    with_blindness,
    write_csv,
    write_jsonl,
)
from uptimed.core.minutes import MINUTES_PER_DAY, Minute, minute_of, month_minutes
from uptimed.core.observations import Attempt, Instant
from uptimed.core.settings import ServiceSettings, Settings
from uptimed.core.terms import Role, watch_terms_of
from uptimed.ledger.month import amendments_of
from uptimed.ledger.reading import judged_until, letters
from uptimed.ports import JournalReader, SealedDay
from uptimed.wiring.importing import Taken, take_in

_SHOWN = 100  # malformed lines that are printed; the rest is counted


@click.command("import")
@click.argument("file", type=click.Path(allow_dash=True))
@click.option(
    "--format",
    "form",
    type=click.Choice(["jsonl", "csv"]),
    help="[default: by the file's name, else by its first line]",
)
@click.option("--skip-bad", is_flag=True, help="Leave malformed lines out and take in the rest.")
@config_option
@told
def import_looks(file: str, form: str | None, skip_bad: bool, config: str | None) -> None:
    """Take in looks from FILE (`-` is standard input), one attempt a line.

    All or nothing: a malformed line is named by its number and nothing is taken in, unless
    --skip-bad. Taking in a file twice changes nothing. Sealed days are closed.
    """
    settings = load_settings(config).settings
    known, present = known_probes(settings), now()
    name = "standard input" if file == "-" else file
    with _readable(file) as path:
        with _lines(path) as stream, _progress(path.stat().st_size, "reading") as step:
            form, lines = _format(form, file, stream)
            read = read_csv if form == "csv" else read_jsonl
            try:
                taken = take_in(
                    settings,
                    read(_counted(lines, step), known, present),
                    skip_bad=skip_bad,
                    now=present,
                )
            except SealedDay as sealed:
                for number, attempt in _located(sealed.attempts, path, form, known, present):
                    click.echo(f"{name}: {Malformed(number, _closed(attempt))}", err=True)
                wrong(f"{name}: {sealed}; nothing was imported")
        places = _located(taken.conflicts, path, form, known, present)
        others = _located(taken.contradicted, path, form, known, present)
        bad = sorted(
            [
                *taken.malformed,
                *(Malformed(number, _conflict(a)) for number, a in places),
                *(Malformed(number, _contradiction(a)) for number, a in others),
            ],
            key=lambda malformed: malformed.line,
        )
    count = taken.bad + len(taken.conflicts) + len(taken.contradicted)
    _tell_bad(bad, count, name)
    if count and not skip_bad:
        wrong("nothing was imported; mend the lines, or leave them out with --skip-bad")
    click.echo(_summary(taken, count))


def _summary(taken: Taken, bad: int) -> str:
    words = [counted(taken.new, "new attempt"), f"{taken.known:,} known already"]
    if taken.blind:
        words.append(counted(taken.blind, "new blind minute"))
    if bad:
        words.append(f"{counted(bad, 'malformed line')} left out")
    return f"{', '.join(words)}; {counted(taken.settled, 'day')} settled"


def _located(
    said: Sequence[Line], path: Path, form: str, known: Known, present: Instant
) -> Iterator[tuple[int, Attempt]]:
    """Yield the lines that say one of *said*, with their numbers; reads the file again.

    An attempt is found whatever its line says of the minute beside it.
    """
    if not said:
        return
    wanted = {_content(line) for line in said}
    read = numbered_csv if form == "csv" else numbered_jsonl
    with _lines(path) as lines:
        for number, item in read(lines, known, present):
            if isinstance(item, Malformed):
                continue
            attempt = item.attempt if isinstance(item, Blinded) else item
            if _content(item) in wanted or _content(attempt) in wanted:
                yield number, attempt


def _content(line: Line) -> tuple[tuple[str, object], ...]:
    return tuple(fields(line).items())


def _conflict(attempt: Attempt) -> str:
    return (
        f"the attempt of {attempt.service}, {attempt.probe}, {attempt.vantage} at "
        f"{show_instant(attempt.at)} is known already, or comes in another line, with other content"
    )


def _contradiction(attempt: Attempt) -> str:
    return (
        f"blind: the minute of the look that began at {show_instant(attempt.look)} is blind at "
        f"{attempt.vantage} for another reason, on record or in an earlier line"
    )


def _closed(attempt: Attempt) -> str:
    return (
        f"the look of {attempt.service} that began at {show_instant(attempt.look)} belongs to a "
        "sealed day"
    )


def _tell_bad(malformed: Sequence[Malformed], count: int, name: str) -> None:
    for bad in malformed[:_SHOWN]:
        click.echo(f"{name}: {bad}", err=True)
    if count > _SHOWN:
        click.echo(f"{name}: and {counted(count - _SHOWN, 'more malformed line')}", err=True)


def known_probes(settings: Settings) -> Known:
    """Return what a file of looks may speak of under *settings*."""
    return {
        service.id: {
            p.id: KnownProbe(login=p.role is Role.LOGIN or p.kind == "login", accounts=p.accounts)
            for p in service.watch.probes
        }
        for service in settings.services
    }


@contextmanager
def _readable(file: str) -> Iterator[Path]:
    """Yield a path that can be read twice: what comes through a pipe is set aside as a file."""
    path = Path(file)
    if file != "-" and (path.is_file() or not path.exists()):
        yield path
        return
    with tempfile.NamedTemporaryFile(prefix="uptimed-") as aside:
        try:
            if file == "-":
                shutil.copyfileobj(sys.stdin.buffer, aside)
            else:
                with path.open("rb") as pipe:
                    shutil.copyfileobj(pipe, aside)
            aside.flush()
        except OSError as error:
            wrong(f"{file}: {error.strerror}")
        yield Path(aside.name)


@contextmanager
def _lines(path: Path) -> Iterator[IO[str]]:
    """Open a file of looks. A byte that is not UTF-8 makes its line malformed."""
    try:
        stream = path.open("r", encoding="utf-8-sig", errors="surrogateescape", newline="")
    except OSError as error:
        wrong(f"{path}: {error.strerror}")
    with stream:
        yield stream


def _format(form: str | None, file: str, stream: IO[str]) -> tuple[str, Iterable[str]]:
    """Return the file's format, and its lines from the first on."""
    endings = {".csv": "csv", ".jsonl": "jsonl", ".ndjson": "jsonl", ".json": "jsonl"}
    form = form or endings.get(Path(file).suffix.lower())
    if form is not None:
        return form, stream
    read = []
    for line in stream:
        read.append(line)
        if line.strip():
            break
    first = read[-1].strip() if read else ""
    form = "csv" if first and not first.startswith("{") else "jsonl"
    return form, chain(read, stream)


@contextmanager
def _progress(size: int, label: str) -> Iterator[Callable[[int], None]]:
    """Show a progress bar on stderr where that is a terminal; what is yielded moves it on."""
    if not sys.stderr.isatty():
        yield lambda _step: None
        return
    with click.progressbar(length=size, label=label, file=sys.stderr) as bar:
        yield bar.update


def _counted(lines: Iterable[str], step: Callable[[int], None]) -> Iterator[str]:
    pending = 0
    for line in lines:
        pending += len(line)
        if pending > 1 << 18:
            step(pending)
            pending = 0
        yield line
    step(pending)


@click.command()
@click.option("--what", type=click.Choice(["looks", "letters"]), default="looks", show_default=True)
@click.option("--client", help="Only this client's services.")
@click.option("--service", help="Only this service.")
@click.option("--month", type=Month(), help="A month in the client's zone.")
@click.option(
    "--from",
    "origins",
    metavar="AT",
    multiple=True,
    help="From this minute on; `influx`: read what was brought to InfluxDB. May be given twice.",
)
@click.option("--to", "until", metavar="AT", help="Up to this minute, without it.")
@click.option(
    "--format", "form", type=click.Choice(["jsonl", "csv"]), default="jsonl", show_default=True
)
@click.option("-o", "--output", type=click.Path(), default="-", help="[default: standard output]")
@config_option
@told
def export(  # noqa: PLR0913 - its options
    what: str,
    client: str | None,
    service: str | None,
    month: tuple[int, int] | None,
    origins: tuple[str, ...],
    until: str | None,
    form: str,
    output: str,
    config: str | None,
) -> None:
    """Write out looks (one attempt a line) or letters (one minute a line) of a period.

    Letters reach as far as minutes are judged. They are those on record; what a minute was
    corrected to stands beside its letter.
    """
    settings = load_settings(config).settings
    services = _chosen(settings, client, service)
    source, since = _origins(origins)
    if (month is not None) == (since is not None or until is not None) or (since is None) != (
        until is None
    ):
        wrong("wanted either --month, or --from and --to")
    periods = [_period(settings, chosen, month, since, until) for chosen in services]
    with record(settings, source) as reader, _out(output) as write:
        spans = [
            (chosen, start, min(stop, _end(reader, chosen, what)))
            for chosen, (start, stop) in zip(services, periods, strict=True)
        ]
        length = sum(max(0, stop - start) for _, start, stop in spans)
        with _progress(0 if output == "-" and sys.stdout.isatty() else length, "writing") as step:
            writing = _WRITING[what](reader, settings, spans, form)
            if form == "csv":
                write(f"{writing.header}\n")
            for chosen, first, last in spans:
                for start, stop in _day_by_day(first, last):
                    write("".join(f"{line}\n" for line in writing.lines(chosen, start, stop)))
                    step(stop - start)


def _origins(origins: Sequence[str]) -> tuple[str, str | None]:
    """Return where to read, and from which minute on: `--from` says either."""
    sources = [given for given in origins if given in {"influx", "journal"}]
    minutes = [given for given in origins if given not in sources]
    if len(sources) > 1 or len(minutes) > 1:
        wrong(f"--from: found {' and '.join(origins)}, wanted one minute, and `influx` or not")
    return next(iter(sources), "journal"), next(iter(minutes), None)


def _end(reader: JournalReader, service: ServiceSettings, what: str) -> Minute:
    """Return the minute before which everything is that there is to write."""
    present = minute_of(now())
    if what == "letters":
        return judged_until(reader, service.id, present)
    return Minute(present + MINUTES_PER_DAY)  # the clock may have been put back


def _day_by_day(start: Minute, stop: Minute) -> Iterator[tuple[Minute, Minute]]:
    """Cut [start, stop) at midnight UTC: however long a period is, one day of it is in memory."""
    while start < stop:
        end = Minute(min(stop, start - start % MINUTES_PER_DAY + MINUTES_PER_DAY))
        yield start, end
        start = end


def _chosen(
    settings: Settings, client: str | None, service: str | None
) -> Sequence[ServiceSettings]:
    if service is not None:
        return [find_service(settings, service)]
    return find_client(settings, client).services if client else settings.services


def _period(
    settings: Settings,
    service: ServiceSettings,
    month: tuple[int, int] | None,
    since: str | None,
    until: str | None,
) -> tuple[Minute, Minute]:
    zone = settings.client_of(service.id).zone
    if month is not None:
        minutes = month_minutes(*month, zone)
        return Minute(minutes.start), Minute(minutes.stop)
    start, stop = minute_at(since or "", zone), minute_at(until or "", zone)
    if stop <= start:
        wrong(f"--to: found {until}, wanted later than --from {since}")
    return start, stop


_Spans = Sequence[tuple[ServiceSettings, Minute, Minute]]


class _Looks:
    """Looks as lines. Which minutes are blind is known before the first: the header tells of it."""

    def __init__(self, reader: JournalReader, settings: Settings, spans: _Spans, form: str) -> None:
        self._reader, self._form = reader, form
        self._blind: dict[Place, str] = {}
        vantages = sorted({v for service in settings.services for v in _vantages(reader, service)})
        for start, stop in {(start, stop) for _, start, stop in spans}:
            self._blind |= {
                (one.vantage, one.minute): one.reason for one in reader.blind(vantages, start, stop)
            }
        self.header = ",".join(columns_for(blind=bool(self._blind)))

    def lines(self, service: ServiceSettings, start: Minute, stop: Minute) -> Iterator[str]:
        lines = with_blindness(self._reader.attempts(service.id, start, stop), self._blind)
        if self._form == "csv":
            return islice(write_csv(lines, blind=bool(self._blind)), 1, None)
        return write_jsonl(lines)


def _vantages(reader: JournalReader, service: ServiceSettings) -> Iterator[str]:
    """Yield where the service is looked at from, and was."""
    yield from service.watch.vantages
    for terms in reader.configs(service.id):
        yield from watch_terms_of(terms.canonical).vantages


class _Letters:
    """Letters as lines."""

    header = "service,minute_utc,letter,unverified,corrected"

    def __init__(
        self, reader: JournalReader, _settings: Settings, _spans: _Spans, form: str
    ) -> None:
        self._reader, self._form = reader, form

    def lines(self, service: ServiceSettings, start: Minute, stop: Minute) -> Iterator[str]:
        return _letter_lines(self._reader, service, start, stop, self._form)


_WRITING: Mapping[str, Callable[[JournalReader, Settings, _Spans, str], "_Looks | _Letters"]] = {
    "looks": _Looks, "letters": _Letters,
}  # fmt: skip


def _letter_lines(
    reader: JournalReader, service: ServiceSettings, start: Minute, stop: Minute, form: str
) -> Iterator[str]:
    strip = letters(reader, service, start, stop)
    now = present(strip, amendments_of(reader, service.client).corrections_of(service.id))
    marks = zip(strip.letters, now.letters, strict=True)
    for minute, (mark, corrected) in enumerate(marks, strip.start):
        unverified, changed = mark.islower(), corrected != mark
        at = show_utc(Minute(minute))
        if form == "csv":
            unsure, became = "yes" if unverified else "", corrected.upper() if changed else ""
            yield f"{service.id},{at},{mark.upper()},{unsure},{became}"
        else:
            flag = ',"unverified":true' if unverified else ""
            flag += f',"corrected":"{corrected.upper()}"' if changed else ""
            yield f'{{"service":"{service.id}","minute":"{at}","letter":"{mark.upper()}"{flag}}}'


@contextmanager
def _out(output: str) -> Iterator[Callable[[str], object]]:
    """Yield what writes to *output*; a disk that takes no more is told of."""
    try:
        if output == "-":
            out = sys.stdout.buffer  # files are UTF-8, whatever the terminal is
            yield lambda text: out.write(text.encode())
            out.flush()
        else:
            with Path(output).open("w", encoding="utf-8", newline="") as file:
                yield file.write
    except BrokenPipeError:
        raise  # whoever read has seen enough
    except OSError as error:
        wrong(f"{output}: {error.strerror}")


@click.command()
@click.argument("path", type=click.Path())
@config_option
@told
def backup(path: str, config: str | None) -> None:
    """Copy the journal to PATH, consistent, while the daemon runs. Nothing is written over."""
    from uptimed.stores.sqlite import back_up

    settings = load_settings(config).settings
    source = Path(settings.journal_path)
    if not source.exists():
        wrong(f"journal: {source} does not exist yet")
    if sys.stderr.isatty():
        with click.progressbar(length=1, label="copying", file=sys.stderr) as bar:

            def show(done: int, of: int) -> None:
                bar.length = of
                bar.update(done - bar.pos)

            back_up(source, Path(path), progress=show)
    else:
        back_up(source, Path(path))
    click.echo(f"{source} copied to {path}, {Path(path).stat().st_size:,} bytes")
