"""What else is to be sent: terms, sealed days, entries, life, blind minutes, and that we are alive.

None of it has a number in the order of writing that all share, so that each kind has cursors of its
own, named `PREFIX/KIND[/WHAT]`, which move once the server has accepted. Blind minutes and terms
are looked at again a little before theirs: they may be written late, or replaced. Blind minutes
that a file brings may be of any time: where there are more than were sent, all are sent again.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import TypeVar

from uptimed.core.minutes import MINUTE, Minute
from uptimed.stores import influx_records as records
from uptimed.stores.influx_source import Parcel
from uptimed.stores.reading import Reader

T = TypeVar("T")

_EPOCH = date(1970, 1, 1)
_BLIND_AGAIN = 2 * 24 * 60  # minutes: by then their day is sealed
_TERMS_AGAIN = 1000  # rows, when something happened to us, such as another configuration
_MOST = 1000  # lines: some of them are long

_LIFE, _TERMS, _CONTRACTS, _POSTS = "life", "terms", "contracts", "posts"
_ENTRIES, _ALIVE, _BLINDS = "entries", "alive", "blinds"


@dataclass(slots=True)
class _Known:
    """How far each kind has come: what is there."""

    numbers: dict[str, int] = field(default_factory=dict)  # of what is counted
    sealed: dict[str, date] = field(default_factory=dict)
    blind: dict[str, Minute] = field(default_factory=dict)

    def of(self, kind: str) -> int:
        return self.numbers.get(kind, 0)


class Rest:
    """Makes parcels of it, as `Source` does of looks and letters."""

    def __init__(self, reader: Reader, prefix: str, vantage: str) -> None:
        """*prefix* begins the names of the cursors."""
        self._reader, self._prefix, self._vantage = reader, prefix, vantage
        self._known: _Known | None = None
        self._there: dict[str, str] = {}  # what is there and would be looked at again

    def next(self, after: int, limit: int) -> Parcel:
        """Return the next lines: *after* were sent so far."""
        with self._reader.snapshot():
            known = self._known = self._known or self._from_cursors()
            made = _Made(self._reader, self._vantage, known, self._there, min(limit, _MOST))
            lines = list(made.lines())
        return Parcel(
            lines=lines, cursors=[after] * len(lines), end=after + len(lines), full=made.full,
            also={f"{self._prefix}{name}": value for name, value in made.cursors.items()},
            done=lambda: self._delivered(made),
        )  # fmt: skip

    def pending(self) -> int:
        """Return how many lines wait, up to some thousand."""
        with self._reader.snapshot():
            made = _Made(self._reader, self._vantage, self._from_cursors(), {}, _MOST, again=False)
            return sum(1 for _ in made.lines())

    def _delivered(self, made: "_Made") -> None:
        self._known = made.reached
        self._there = made.there

    def _from_cursors(self) -> _Known:
        sealed, blind = self._kept("seal/"), self._kept("blind/")
        return _Known(
            numbers={
                kind: self._reader.cursor(self._prefix + kind)
                for kind in (_LIFE, _TERMS, _CONTRACTS, _POSTS, _ENTRIES, _ALIVE, _BLINDS)
            },
            sealed={service: _EPOCH + timedelta(days=days) for service, days in sealed.items()},
            blind={vantage: Minute(minute) for vantage, minute in blind.items()},
        )

    def _kept(self, beginning: str) -> Mapping[str, int]:
        """Return the cursors that begin so, by the rest of their names."""
        whole = self._prefix + beginning
        return {
            name.removeprefix(whole): self._reader.cursor(name)
            for name in self._reader.cursors(whole)
        }


class _Made:
    """One parcel in the making."""

    def __init__(
        self,
        reader: Reader,
        vantage: str,
        known: _Known,
        there: Mapping[str, str],
        limit: int,
        *,
        again: bool = True,
    ) -> None:
        self._reader, self._vantage, self._known = reader, vantage, known
        self._before, self._limit, self._again = there, limit, again
        self.reached = _Known(dict(known.numbers), dict(known.sealed), dict(known.blind))
        self.cursors: dict[str, int] = {}
        self.there: dict[str, str] = {}
        self.full = False

    def lines(self) -> Iterator[str]:
        """Yield the lines; the attributes say what is reached once they are there."""
        yield from self._life()
        yield from self._terms()
        yield from self._contracts()
        yield from self._posts()
        yield from self._entries()
        yield from self._seals()
        yield from self._blind()
        yield from self._alive()

    def _life(self) -> Iterator[str]:
        found = self._reader.life_after(self._known.of(_LIFE), self._limit)
        self._more(len(found))
        for number, event in found:
            self._reach(_LIFE, number)
            yield records.life_line(number, event, self._vantage)

    def _terms(self) -> Iterator[str]:
        return self._agreed(_TERMS, self._reader.terms_after, records.terms_line)

    def _contracts(self) -> Iterator[str]:
        return self._agreed(_CONTRACTS, self._reader.contracts_after, records.contract_line)

    def _agreed(
        self,
        kind: str,
        written: Callable[[int, int], Sequence[tuple[int, T]]],
        line_of: Callable[[T, str], str],
    ) -> Iterator[str]:
        """Yield terms of a kind: those after the last, and those that were replaced since."""
        known = self._known.of(kind)
        happened = self._again and (_LIFE in self.cursors or not self._before)
        back = _TERMS_AGAIN if happened else 0
        found = written(max(0, known - back), self._limit + back)
        self._more(len(found) - back)
        for row, record in found:
            line = line_of(record, self._vantage)
            key = f"{kind} {row}"
            self.there[key] = line
            if row > known or self._before.get(key, line if not happened else "") != line:
                self._reach(kind, row)
                yield line
        if not happened:
            self.there |= {k: v for k, v in self._before.items() if k.startswith(f"{kind} ")}

    def _posts(self) -> Iterator[str]:
        number, clients = self._reader.posted()
        if number == self._known.of(_POSTS):
            return
        self._reach(_POSTS, number)
        for client in clients:
            for post in self._reader.posts(client):
                yield records.post_line(post, client, self._vantage)

    def _entries(self) -> Iterator[str]:
        for entry in self._reader.entries(after=self._known.of(_ENTRIES)):
            self._reach(_ENTRIES, entry.number)
            yield records.entry_line(entry, self._vantage)

    def _seals(self) -> Iterator[str]:
        found = self._reader.seals_after(self._known.sealed, self._limit)
        self._more(len(found))
        for seal in found:
            self.reached.sealed[seal.service] = seal.day
            self.cursors[f"seal/{seal.service}"] = (seal.day - _EPOCH).days
            yield records.seal_line(seal, self._vantage)

    def _blind(self) -> Iterator[str]:
        back = _BLIND_AGAIN if self._again else 0
        known, total = self._known.blind, self._reader.blind_count()
        found = self._reader.blind_after(known, back)
        fresh = sum(b.minute > known.get(b.vantage, Minute(0)) for b in found)
        if self._known.of(_BLINDS) + fresh < total:
            found = self._reader.blind_after({}, 0)
        if self._known.of(_BLINDS) < total:
            self._reach(_BLINDS, total)
        for blind in found:
            key = f"blind {blind.vantage} {blind.minute}"
            self.there[key] = ""
            if key not in self._before:
                last = max(blind.minute, self.reached.blind.get(blind.vantage, Minute(0)))
                self.reached.blind[blind.vantage] = last
                self.cursors[f"blind/{blind.vantage}"] = last
                yield records.blind_line(blind)

    def _alive(self) -> Iterator[str]:
        heartbeat = self._reader.heartbeat()
        minute = 0 if heartbeat is None else heartbeat // MINUTE
        if heartbeat is not None and minute > self._known.of(_ALIVE) and self._again:
            self._reach(_ALIVE, minute)
            yield records.alive_line(heartbeat, self._vantage)

    def _reach(self, kind: str, number: int) -> None:
        reached = max(number, self.reached.of(kind))
        self.reached.numbers[kind] = self.cursors[kind] = reached

    def _more(self, found: int) -> None:
        self.full = self.full or found >= self._limit
