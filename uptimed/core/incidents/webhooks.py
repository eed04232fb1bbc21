"""Events of incidents as webhooks: what is posted, and how whoever gets it knows that it is ours.

Headers and signature are those of Standard Webhooks (www.standardwebhooks.com): `webhook-id`,
`webhook-timestamp`, and `webhook-signature`, `v1,` and the base64 of the HMAC-SHA256 over
`id.timestamp.body`. The id is the same whenever the same event is sent again.
"""

import base64
import binascii
import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass

from uptimed.core.calendars import Second, utc_second
from uptimed.core.entries import Entry
from uptimed.core.incidents.casebook import Casebook
from uptimed.core.incidents.recording import body_of, event_of
from uptimed.core.minutes import utc
from uptimed.core.observations import Instant

_PREFIX = "whsec_"


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """What is posted for one entry. *number* is the entry's, *subject* the incident's reference."""

    number: int
    subject: str
    id: str
    at: Instant
    body: str


def message_of(entry: Entry, book: Casebook) -> Message:
    """Return what is posted for *entry* of an incident; *book* holds the entries up to it."""
    event = event_of(entry)
    incident = book.incident(entry.subject)
    said = dict(body_of(event))
    kind = said["kind"]
    body = {
        "type": f"incident.{kind}",
        "timestamp": utc(entry.at),
        "data": {
            "client": entry.client,
            "service": entry.service,
            "incident": {
                "reference": incident.reference,
                "ticket": incident.ticket or None,
                "class": incident.kind or None,
                "severity": incident.severity or None,
                "proposed": incident.proposed,
                "state": incident.state,
                "opened": utc_second(incident.opened),
                "recurrence_of": incident.recurrence_of or None,
            },
            "event": {**_readable(said), "by": event.by},
            "entry": {"place": entry.place, "sha256": entry.sha256},
        },
    }
    return Message(
        number=entry.number,
        subject=entry.subject,
        id=f"msg_{entry.sha256[:32]}",
        at=entry.at,
        body=json.dumps(body, ensure_ascii=False, separators=(",", ":")),
    )


def _readable(said: Mapping[str, object]) -> Mapping[str, object]:
    """Return what an event says with its instants in words."""
    return {
        key: utc_second(Second(value)) if key in _INSTANTS and isinstance(value, int) else value
        for key, value in said.items()
    }


_INSTANTS = ("at", "reported", "since")


def signature(secret: str, id: str, timestamp: int, body: str) -> str:
    """Return the signature of a message that is sent at *timestamp*, whole seconds since 1970.

    A *secret* that begins with `whsec_` is base64 behind it; another is taken as it is.
    """
    signed = f"{id}.{timestamp}.{body}".encode()
    digest = hmac.new(_key(secret), signed, hashlib.sha256).digest()
    return f"v1,{base64.b64encode(digest).decode()}"


def _key(secret: str) -> bytes:
    if secret.startswith(_PREFIX):
        try:
            return base64.b64decode(secret.removeprefix(_PREFIX), validate=True)
        except binascii.Error:
            pass
    return secret.encode()
