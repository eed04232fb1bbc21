"""What is agreed with each client, as it goes on record."""

from uptimed.core.minutes import Minute
from uptimed.core.pinning import agreed_text
from uptimed.core.settings import Settings
from uptimed.core.terms_text import digest
from uptimed.ports import ContractRecord


def contract_records(settings: Settings, since: Minute) -> list[ContractRecord]:
    """Return what *settings* agree with each client, to be in force from minute *since* on."""
    texts = {client.id: agreed_text(client) for client in settings.clients}
    return [
        ContractRecord(client=client, since=since, sha256=digest(text), canonical=text)
        for client, text in texts.items()
    ]
