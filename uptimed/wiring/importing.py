"""Taking in looks from a file: attempts and the letters that follow from them, or neither."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from uptimed.core.letters import lookback
from uptimed.core.lookfile import Malformed, fields
from uptimed.core.minutes import Minute, day_minutes, days_between, minute_of
from uptimed.core.observations import Attempt, Instant
from uptimed.core.settings import ServiceSettings, Settings
from uptimed.ledger.reading import settle
from uptimed.ports import Batch
from uptimed.stores.importing import Imported, import_attempts
from uptimed.stores.ledger import Ledger

_KEPT = 1000  # malformed lines that are kept to be shown; the rest is counted


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """What an import came to. Nothing was kept where bad lines were not to be skipped.

    *malformed* holds the first of the *bad* lines; *conflicts* are attempts that are known with
    other content. *settled* counts days of services.
    """

    new: int
    known: int
    bad: int
    malformed: tuple[Malformed, ...]
    conflicts: tuple[Attempt, ...]
    settled: int


class _Refused(Exception):
    """The file has malformed lines: nothing of it is kept."""


def take_in(
    settings: Settings,
    lines: Iterable[Attempt | Malformed],
    *,
    skip_bad: bool,
    now: Instant,
    progress: Callable[[int], None] = lambda _taken: None,
) -> Taken:
    """Keep the attempts among *lines* and settle their letters, all in one transaction.

    Raise `SealedDay` where one belongs to a sealed day and `StoreError` where the disk does not
    take it. Nothing is kept then.
    """
    bad = _Bad()
    conflicts: list[Attempt] = []
    settled = 0
    with Ledger.open(Path(settings.journal_path)) as ledger:

        def finish(imported: Imported) -> None:
            nonlocal settled
            if conflicts and not skip_bad:
                raise _Refused
            for service, span in imported.touched.items():
                settled += _settle(ledger, settings.service(service), span, now)

        try:
            result = import_attempts(
                ledger,
                bad.without(lines, stop_after=not skip_bad),
                same=same_columns,
                conflict=lambda conflict: conflicts.append(conflict.given),
                progress=progress,
                finish=finish,
            )
        except _Refused:
            new = known = settled = 0
        else:
            new, known = result.new, result.known - len(conflicts)
    return Taken(
        new=new,
        known=known,
        bad=bad.count,
        malformed=tuple(bad.first),
        conflicts=tuple(conflicts),
        settled=settled,
    )


class _Bad:
    """The malformed lines of a file, counted while the others pass."""

    def __init__(self) -> None:
        self.first: list[Malformed] = []
        self.count = 0

    def without(
        self, lines: Iterable[Attempt | Malformed], *, stop_after: bool
    ) -> Iterator[Attempt]:
        for line in lines:
            if isinstance(line, Malformed):
                self.count += 1
                if len(self.first) < _KEPT:
                    self.first.append(line)
            elif not (stop_after and self.count):
                yield line
        if stop_after and self.count:
            raise _Refused


def same_columns(known: Attempt, given: Attempt) -> bool:
    """Return whether two attempts are one as far as a file of looks can tell."""
    return fields(known) == fields(given)


def _settle(ledger: Ledger, service: ServiceSettings, span: range, now: Instant) -> int:
    """Settle the days that looks in *span* may decide, but for sealed ones; return how many.

    Minutes that a daemon may still be looking at are settled only where the file has their looks.
    """
    present = minute_of(now)
    end = max(present - 1, min(span.stop, present + 1))
    days = days_between(Minute(span.start), Minute(span.stop + lookback(service.watch)))
    sealed = {d.day for d in ledger.reader.days(service.id, days[0], days[-1]) if d.sealed}
    count = 0
    for day in days:
        minutes = day_minutes(day)
        stop = Minute(min(minutes.stop, end))
        if day not in sealed and minutes.start < stop:
            letters = settle(ledger.reader, service, Minute(minutes.start), stop)
            ledger.add(Batch(letters=[(service.id, strip, sha256) for strip, sha256 in letters]))
            count += 1
    return count
