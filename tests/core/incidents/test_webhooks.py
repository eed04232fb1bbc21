"""What is posted, and its signature."""

import json

from tests.core.cases import at
from tests.core.incidents.books import Journal, kept
from uptimed.core.incidents import Opened, Resolved
from uptimed.core.incidents.casebook import Casebook
from uptimed.core.incidents.webhooks import message_of, signature

NOON = at("2026-10-05 12:00")


def test_the_signature_is_that_of_the_standard() -> None:
    """The example of the specification of Standard Webhooks."""
    assert (
        signature(
            "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
            "msg_p5jXN8AQM9LWM0D4loKWxJek",
            1614265330,
            '{"test": 2432232314}',
        )
        == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
    )


def test_a_secret_without_the_prefix_is_taken_as_it_is() -> None:
    assert signature("whsec_c2VjcmV0", "a", 1, "b") == signature("secret", "a", 1, "b")


def test_a_message_tells_of_the_event_and_of_the_incident_after_it() -> None:
    journal = Journal()
    act = Opened(service="crm", severity="incident", words="slow")
    reference = journal.record(lambda r: kept(r.open(act, at=NOON, by="ana"))).incident
    journal.record(lambda r: kept(r.add(reference, Resolved(), at=NOON, by="eva")))
    book = Casebook()
    posted = []
    for entry in journal.entries:
        book.take([entry])
        if entry.subject == reference:
            posted.append(message_of(entry, book))

    first, last = (json.loads(message.body) for message in posted)
    assert (first["type"], last["type"]) == ("incident.opened", "incident.resolved")
    assert [m["data"]["incident"]["state"] for m in (first, last)] == ["open", "resolved"]
    assert first["data"]["incident"]["reference"] == reference
    assert first["data"]["event"]["words"] == "slow"
    assert first["data"]["event"]["at"] == "2026-10-05T12:00:00Z"
    assert last["data"]["event"]["by"] == "eva"
    assert len({message.id for message in posted}) == 2
