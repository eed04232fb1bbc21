"""What is on record of a service, read as letters are made from it.

Reading only; run off the event loop.
"""

from uptimed.core.letters import letters_of, lookback
from uptimed.core.minutes import Minute
from uptimed.core.strip import Strip
from uptimed.core.terms import WatchTerms, watch_terms_of
from uptimed.daemon.settle import InForce
from uptimed.ports import JournalReader, blind_by_vantage


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
