"""What is on record of services, read as letters are made from it.

Reading only; run off the event loop, of many services a piece at a time.
"""

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TypeVar

from uptimed.core.letters import letters_of, lookback
from uptimed.core.minutes import Minute
from uptimed.core.strip import Strip
from uptimed.core.terms import WatchTerms, watch_terms_of
from uptimed.daemon.settle import InForce
from uptimed.ports import JournalReader, blind_by_vantage

T = TypeVar("T")

_PIECE = 50  # services: what else is to be read waits no longer than for these


def in_pieces(services: Iterable[T]) -> Iterator[tuple[T, ...]]:
    """Yield *services*, in their order, in pieces that may be read at once off the loop."""
    rest = iter(services)
    while piece := tuple(islice(rest, _PIECE)):
        yield piece


def known_terms(reader: JournalReader, service: str) -> list[InForce]:
    """Return the terms on record, oldest first."""
    return [
        InForce(record.since, watch_terms_of(record.canonical), record.sha256)
        for record in reader.configs(service)
    ]


def judged(
    reader: JournalReader, service: str, terms: WatchTerms, start: Minute, stop: Minute
) -> Strip:
    """Return the letters of [start, stop) that follow from the looks on record, under *terms*."""
    first = Minute(start - lookback(terms))
    blind = blind_by_vantage(reader.blind(terms.vantages, first, stop))
    attempts = reader.attempts(service, first, stop)
    return letters_of(attempts, terms, start, stop, blind)
