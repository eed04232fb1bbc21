"""Every client's month at once, for whoever answers for the reports."""

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import click

from uptimed.cli.common import (
    Month,
    config_option,
    emit,
    json_option,
    load_settings,
    now,
    percent,
    reading,
    table,
    told,
    warn_of_made_up,
)
from uptimed.cli.posting import shown
from uptimed.core.figures import Figures, Verdict
from uptimed.core.lookfile import show_instant
from uptimed.core.minutes import minute_of, month_minutes
from uptimed.core.observations import Instant
from uptimed.core.outbox import MailKind, Record, Status, newest
from uptimed.core.reporting import gravity, in_agreement, previous, report_due
from uptimed.core.settings import ClientSettings, ServiceSettings
from uptimed.ledger.agreed import agreed
from uptimed.ledger.month import service_month
from uptimed.ports import JournalReader
from uptimed.stores.outbox import Outbox


@dataclass(frozen=True, slots=True, kw_only=True)
class _Figure:
    """What is said of a service's month. *ppm* is None where nothing was measured."""

    service: str
    verdict: Verdict
    ppm: int | None
    down: int
    allowed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class _Line:
    """A client's month: the service that is worst off, and what became of the report."""

    client: ClientSettings
    due: Instant
    worst: _Figure
    before: _Figure | None
    record: Record | None
    over: bool

    @property
    def report(self) -> str:
        """Return how the report stands, in a word or two."""
        if self.record is None:
            return "not over" if not self.over else "not drawn up"
        counts = self.copies
        gone, all_of_them = counts[Status.ACCEPTED], len(self.record.mail.recipients)
        status = self.record.status
        if status is Status.ACCEPTED:
            return f"delivered {gone} of {all_of_them}"
        if status is Status.HELD:
            return f"held ({self.record.events[0].words})"
        if status is Status.REFUSED:
            return f"failed {counts[status]} of {all_of_them}"
        return f"{status} {counts[status]} of {all_of_them}"

    @property
    def copies(self) -> Mapping[Status, int]:
        """Return how many recipients' copies have each status."""
        found = dict.fromkeys(Status, 0)
        for delivery in self.record.deliveries if self.record is not None else ():
            found[delivery.status] += 1
        return found


@click.command()
@click.option("--month", type=Month(), required=True, help="The month, in each client's zone.")
@json_option
@config_option
@told
def months(month: tuple[int, int], as_json: bool, config: str | None) -> None:
    """Every client's month: verdict, change, and what became of the report.

    Of a client with several services, the one that is worst off is shown.
    """
    settings = load_settings(config).settings
    present = now()
    with reading(settings) as reader, Outbox.read(Path(settings.journal_path)) as box:
        name = f"{month[0]}-{month[1]:02d}"
        mails = [r for r in box.records(month=name) if r.mail.kind is MailKind.REPORT]
        clients = [c for c in settings.clients if _agreed(c, month)]
        with _progress(len(clients)) as step:
            lines = []
            for client in clients:
                record = newest([r for r in mails if r.mail.client == client.id])
                whose = agreed(reader, client, *month).client
                lines.append(_line(reader, whose, month, record, present))
                step()
    lines.sort(key=lambda line: (gravity(line.worst.verdict), line.client.id))
    if as_json:
        emit({"month": name, "made_up": settings.made_up, "clients": [*map(_as_json, lines)]})
    else:
        header = ("CLIENT", "SERVICE", "VERDICT", "FIGURE", "CHANGE", "DOWN", "DUE", "REPORT")
        table(header, [_row(line) for line in lines])
        click.echo(_summary(lines))
        warn_of_made_up(settings)


def _agreed(client: ClientSettings, month: tuple[int, int]) -> bool:
    minutes = month_minutes(*month, client.zone)
    return in_agreement((service.agreement for service in client.services), minutes)


def _line(
    reader: JournalReader,
    client: ClientSettings,
    month: tuple[int, int],
    record: Record | None,
    present: Instant,
) -> _Line:
    """Return a client's line: of what is frozen where it is, else as it stands now."""
    facts = record.mail.facts if record is not None else {}
    if "verdict" in facts:
        worst = _Figure(
            service=facts["service"],
            verdict=Verdict(facts["verdict"]),
            ppm=int(facts["availability_ppm"]) if facts["availability_ppm"] else None,
            down=int(facts["down"]),
            allowed=int(facts["allowed"]),
        )
    else:
        found = [_figure(reader, client, s, month, present) for s in client.services]
        worst = min(found, key=lambda one: (gravity(one.verdict), one.allowed - one.down))
    same = [s for s in client.services if s.id == worst.service]
    earlier = previous(*month)
    before = None
    if same and in_agreement([same[0].agreement], month_minutes(*earlier, client.zone)):
        before = _figure(reader, client, same[0], earlier, present)
    return _Line(
        client=client,
        due=report_due(*month, client.report, client.zone),
        worst=worst,
        before=before,
        record=record,
        over=month_minutes(*month, client.zone).stop <= minute_of(present),
    )


def _figure(
    reader: JournalReader,
    client: ClientSettings,
    service: ServiceSettings,
    month: tuple[int, int],
    present: Instant,
) -> _Figure:
    figures: Figures = service_month(reader, client, service, *month, minute_of(present)).figures
    return _Figure(
        service=service.id,
        verdict=figures.verdict,
        ppm=figures.availability_ppm,
        down=figures.down,
        allowed=figures.allowed,
    )


_WORDS = {
    Verdict.NOT_MEASURED: "not measured",
    Verdict.BREACHED: "BREACHED",
    Verdict.MET: "met",
    Verdict.INSUFFICIENT_DATA: "not proven",
    Verdict.MET_UNCERTAIN: "not proven",
    Verdict.BREACHED_UNCERTAIN: "not proven",
}
_HOUSE_WORDS = {Verdict.BREACHED: "below reference", Verdict.MET: "above reference"}


def _row(line: _Line) -> Sequence[str]:
    worst = line.worst
    house = {} if line.client.contract.promised else _HOUSE_WORDS
    figure = percent(worst.ppm)
    return (
        line.client.id,
        worst.service,
        house.get(worst.verdict, _WORDS[worst.verdict]),
        "-" if figure is None else f"{figure} %",
        _change(line),
        f"{worst.down} of {worst.allowed} min",
        shown(line.due, line.client.zone),
        line.report if line.client.recipients else f"{line.report}, no recipients",
    )


def _change(line: _Line) -> str:
    """Return the change from the month before, in percentage points: `+0.0200`."""
    difference = _difference(line)
    if difference is None:
        return "-"
    sign = "-" if difference < 0 else "+"
    return f"{sign}{percent(abs(difference))}"


def _difference(line: _Line) -> int | None:
    if line.worst.ppm is None or line.before is None or line.before.ppm is None:
        return None
    return line.worst.ppm - line.before.ppm


def _summary(lines: Sequence[_Line]) -> str:
    """Return one sentence of what is done and what is not."""
    recipients: dict[Status, int] = dict.fromkeys(Status, 0)
    for line in lines:
        for status, count in line.copies.items():
            recipients[status] += count
    held = sum(line.record is not None and line.record.status is Status.HELD for line in lines)
    drawn = sum(line.record is not None for line in lines)
    copies = ", ".join(
        f"{recipients[status]} {word}"
        for status, word in (
            (Status.ACCEPTED, "delivered"), (Status.WAITING, "waiting"),
            (Status.SENDING, "on their way"), (Status.REFUSED, "failed"),
            (Status.UNCERTAIN, "uncertain"), (Status.CANCELLED, "cancelled"),
        )
        if recipients[status] or status is Status.ACCEPTED
    )  # fmt: skip
    return f"{len(lines)} clients: {drawn} drawn up, {held} held; recipients: {copies}"


def _as_json(line: _Line) -> Mapping[str, object]:
    mail = line.record.mail if line.record is not None else None
    return {
        "client": line.client.id,
        "service": line.worst.service,
        "verdict": line.worst.verdict,
        "promised": line.client.contract.promised,
        "availability": percent(line.worst.ppm),
        "down_minutes": line.worst.down,
        "allowed_down_minutes": line.worst.allowed,
        "month_before": None
        if line.before is None
        else {"verdict": line.before.verdict, "availability": percent(line.before.ppm)},
        "due": show_instant(line.due),
        "over": line.over,
        "number": None if mail is None else mail.number,
        "revision": None if mail is None else mail.revision,
        "status": None if line.record is None else line.record.status,
        "recipients": {str(status): count for status, count in line.copies.items()},
    }


@contextmanager
def _progress(length: int) -> Iterator[Callable[[], None]]:
    """Show a progress bar on stderr where that is a terminal."""
    if not sys.stderr.isatty() or length < 2:
        yield lambda: None
        return
    with click.progressbar(length=length, label="counting", file=sys.stderr) as bar:
        yield lambda: bar.update(1)
