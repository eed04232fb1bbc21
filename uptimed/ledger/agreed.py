"""A client as it was agreed for a month: the terms on record at the month's first minute in scope.

A change of the configuration counts from the next month on. Where nothing is on record for a month
(it was imported, or is older than the record), the present configuration counts, which is said.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from uptimed.core.minutes import Minute, first_minute, month_minutes
from uptimed.core.pinning import Agreed, AgreedChange, changes_in, in_force, read_agreed
from uptimed.core.settings import ClientSettings, Contract, ServiceSettings
from uptimed.ports import JournalReader


@dataclass(frozen=True, slots=True, kw_only=True)
class AgreedMonth:
    """*client* with the terms of a month.

    *since* is the minute from which they are on record, None where nothing is. *changes* are what
    was recorded otherwise for, or about, the month.
    """

    client: ClientSettings
    since: Minute | None
    changes: tuple[AgreedChange, ...] = ()


def on_record(reader: JournalReader, client: str) -> Sequence[Agreed]:
    """Return what was agreed with *client* over time, oldest first."""
    return [
        read_agreed(record.since, record.sha256, record.canonical)
        for record in reader.contracts(client)
    ]


def agreed(
    reader: JournalReader, client: ClientSettings, year: int, month: int, *, tell: bool = False
) -> AgreedMonth:
    """Return *client* as it was agreed for that month; *tell* looks for changes as well."""
    records = on_record(reader, client.id)
    agreements = [service.agreement for service in client.services]
    mine = in_force(records, (year, month), agreements)
    if mine is None:
        return AgreedMonth(client=client, since=None)
    found = under(client, mine.contract)
    changes: tuple[AgreedChange, ...] = ()
    if tell:
        minutes = month_minutes(year, month, found.zone)
        edges = Minute(minutes.start), Minute(minutes.stop)
        changes = tuple(changes_in(records, mine, *edges))
    return AgreedMonth(client=found, since=mine.since, changes=changes)


def under(client: ClientSettings, contract: Contract) -> ClientSettings:
    """Return *client* with the terms of *contract*, and with its zone."""
    terms = contract.terms
    services = client.services
    if terms.zone_name != client.zone_name:
        services = tuple(_in_zone(service, contract) for service in services)
    return replace(
        client,
        contract=terms,
        support=contract.support,
        zone=terms.zone,
        zone_name=terms.zone_name,
        services=services,
    )


def _in_zone(service: ServiceSettings, contract: Contract) -> ServiceSettings:
    zone = contract.terms.zone
    agreement = replace(
        service.agreement,
        since=first_minute(service.starts, zone) if service.starts else None,
        until=first_minute(service.ends, zone) if service.ends else None,
    )
    return replace(service, agreement=agreement)
