"""What became of a mail, folded from what happened; waiting; numbers."""

from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from uptimed.core.observations import SECOND, Instant
from uptimed.core.outbox import (
    LONGEST_WAIT_US,
    NEWS_LASTS_US,
    Delivery,
    Event,
    Happening,
    Mail,
    MailKind,
    Record,
    Status,
    addressed,
    counts,
    due,
    given_up,
    newest,
    notice_number,
    report_number,
    said,
    wait_us,
)

H = Happening
_MINUTE = 60 * SECOND


def mail(
    number: str = "ACME-2026-10-1",
    *,
    to: tuple[str, ...] = ("a@x.example", "b@x.example"),
    kind: MailKind = MailKind.REPORT,
    revision: int = 1,
    at: int = 0,
) -> Mail:
    return Mail(
        number=number, key=f"report/{number}", kind=kind, client="acme", at=Instant(at),
        subject="October", recipients=to, sha256="", month="2026-10", revision=revision,
    )  # fmt: skip


def event(minute: int, what: Happening, place: int = 0, **more: object) -> Event:
    return Event(at=Instant(minute * _MINUTE), what=what, place=place, **more)  # type: ignore[arg-type]


def record(*events: Event, to: tuple[str, ...] = ("a@x.example", "b@x.example")) -> Record:
    return Record(mail=mail(to=to), events=events)


def statuses(found: Record) -> list[str]:
    return [str(delivery.status) for delivery in found.deliveries]


# How it stands.


@pytest.mark.parametrize(
    ("events", "wanted"),
    [
        pytest.param([H.QUEUED], "waiting", id="queued"),
        pytest.param([H.HELD], "held", id="held"),
        pytest.param([H.HELD, H.APPROVED], "waiting", id="approved"),
        pytest.param([H.QUEUED, H.SENDING], "sending", id="claimed"),
        pytest.param([H.QUEUED, H.SENDING, H.ACCEPTED], "accepted", id="accepted"),
        pytest.param([H.QUEUED, H.DEFERRED], "waiting", id="greylisted"),
        pytest.param([H.QUEUED, H.SENDING, H.DEFERRED], "waiting", id="refused_for_now_at_data"),
        pytest.param([H.QUEUED, H.REFUSED], "refused", id="refused"),
        pytest.param([H.QUEUED, H.SENDING, H.UNCERTAIN], "uncertain", id="answer_lost"),
        pytest.param([H.QUEUED, H.SENDING, H.UNCERTAIN, H.AGAIN], "waiting", id="told_again"),
        pytest.param([H.HELD, H.CANCELLED], "cancelled", id="cancelled"),
        pytest.param([H.HELD, H.CANCELLED, H.AGAIN], "held", id="again_before_any_approval"),
    ],
)
def test_how_a_mail_stands_follows_from_what_happened(
    events: Iterable[Happening], wanted: str
) -> None:
    found = record(*(event(n, what) for n, what in enumerate(events)))
    assert statuses(found) == [wanted, wanted]
    assert found.status == wanted


@pytest.mark.parametrize(
    ("events", "wanted"),
    [
        pytest.param([H.HELD, H.SENDING], "held", id="what_is_held_is_not_sent"),
        pytest.param([H.HELD, H.AGAIN], "held", id="again_is_no_approval"),
        pytest.param([H.QUEUED, H.SENDING, H.ACCEPTED, H.UNCERTAIN], "accepted", id="is_certain"),
        pytest.param([H.QUEUED, H.SENDING, H.UNCERTAIN, H.SENDING], "uncertain", id="not_resent"),
        pytest.param([H.QUEUED, H.SENDING, H.ACCEPTED, H.CANCELLED], "accepted", id="too_late"),
        pytest.param([H.QUEUED, H.SENDING, H.CANCELLED], "sending", id="on_its_way"),
    ],
)
def test_what_cannot_happen_changes_nothing(events: list[Happening], wanted: str) -> None:
    happened = [event(n, what) for n, what in enumerate(events)]
    before = record(*happened[:-1])
    assert not before.allows(events[-1])
    assert statuses(record(*happened)) == [wanted, wanted]


def test_each_recipient_stands_by_itself() -> None:
    found = record(
        event(0, H.QUEUED), event(1, H.SENDING, 1), event(1, H.ACCEPTED, 1), event(2, H.REFUSED, 2)
    )
    assert statuses(found) == ["accepted", "refused"]
    assert found.status is Status.REFUSED
    assert found.open


def test_a_cancellation_spares_who_got_it() -> None:
    found = record(
        event(0, H.QUEUED), event(1, H.SENDING, 1), event(1, H.ACCEPTED, 1), event(2, H.CANCELLED)
    )
    assert statuses(found) == ["accepted", "cancelled"]
    assert not found.open


def test_it_was_accepted_when_the_first_recipient_had_it() -> None:
    found = record(
        event(0, H.QUEUED), event(3, H.SENDING, 2), event(4, H.ACCEPTED, 2),
        event(5, H.SENDING, 1), event(6, H.ACCEPTED, 1),
    )  # fmt: skip
    assert found.accepted_at == 4 * _MINUTE
    assert record(event(0, H.QUEUED)).accepted_at is None


def test_a_person_who_says_again_begins_the_counting_anew() -> None:
    found = record(
        event(0, H.QUEUED), event(1, H.DEFERRED), event(2, H.DEFERRED), event(9, H.AGAIN, 1)
    )
    first, second = found.deliveries
    assert (first.tries, first.begun) == (0, 9 * _MINUTE)
    assert (second.tries, second.begun) == (2, 0)


def test_statuses_are_counted_by_recipients() -> None:
    found = counts([record(event(0, H.HELD)), record(event(0, H.QUEUED), event(1, H.REFUSED, 1))])
    assert (found[Status.HELD], found[Status.REFUSED], found[Status.WAITING]) == (2, 1, 1)


_EVENTS = st.lists(st.tuples(st.sampled_from(list(H)[2:]), st.integers(0, 2)), max_size=25)


@pytest.mark.property
@given(st.sampled_from([H.QUEUED, H.HELD]), _EVENTS)
def test_a_mail_that_may_have_gone_out_is_due_only_after_a_person_said_so(
    first: Happening, drawn: list[tuple[Happening, int]]
) -> None:
    happened = [event(0, first)]
    asked_again = [True, True]  # whether each may be sent without a person's word
    for minute, (what, place) in enumerate(drawn, 1):
        so_far = record(*happened)
        if not so_far.allows(what, place):
            continue
        happened.append(event(minute, what, place))
        now = record(*happened)
        for n in (0, 1):
            was, stands = so_far.deliveries[n].status, now.deliveries[n].status
            if stands is Status.UNCERTAIN:
                asked_again[n] = False
            elif what == H.AGAIN and was is not stands:
                asked_again[n] = True
            if stands in {Status.WAITING, Status.SENDING}:
                assert asked_again[n]


@pytest.mark.property
@given(st.sampled_from([H.QUEUED, H.HELD]), _EVENTS)
def test_what_is_held_goes_out_only_after_an_approval(
    first: Happening, drawn: list[tuple[Happening, int]]
) -> None:
    happened = [event(0, first)]
    for minute, (what, place) in enumerate(drawn, 1):
        if record(*happened).allows(what, place):
            happened.append(event(minute, what, place))
    if record(*happened).accepted_at is not None and first is H.HELD:
        assert any(e.what is H.APPROVED for e in happened)


# What is due.


def test_the_longest_waiting_mail_is_sent_first() -> None:
    later = Record(mail=mail("B", to=("b@x.example",), at=5), events=(event(0, H.QUEUED),))
    first = Record(mail=mail("C", to=("c@x.example",), at=1), events=(event(0, H.QUEUED),))
    assert [r.mail.number for r, _ in due([later, first], Instant(_MINUTE))] == ["C", "B"]


def test_a_deferred_copy_is_due_at_its_time() -> None:
    waits = record(
        event(0, H.QUEUED), event(1, H.DEFERRED, 1, until=Instant(5 * _MINUTE)),
    )  # fmt: skip
    assert [d.place for _, d in due([waits], Instant(4 * _MINUTE))] == [2]
    assert [d.place for _, d in due([waits], Instant(5 * _MINUTE))] == [1, 2]


def test_who_waits_because_of_the_server_goes_when_it_is_back() -> None:
    until = Instant(50 * _MINUTE)
    waits = record(
        event(0, H.QUEUED),
        event(1, H.DEFERRED, 1, until=until, server=True),
        event(1, H.DEFERRED, 2, until=until),
    )
    back = due([waits], Instant(2 * _MINUTE), server_is_back=True)
    assert [d.place for _, d in back] == [1]


def test_nothing_held_sent_or_in_trouble_is_due() -> None:
    far = Instant(1000 * _MINUTE)
    for events in ([H.HELD], [H.QUEUED, H.SENDING], [H.QUEUED, H.REFUSED],
                   [H.QUEUED, H.SENDING, H.UNCERTAIN], [H.QUEUED, H.CANCELLED]):  # fmt: skip
        stands = record(*(event(n, what) for n, what in enumerate(events)))
        assert due([stands], far, server_is_back=True) == ()


@pytest.mark.parametrize(
    ("tries", "minutes"), [(1, 1), (2, 2), (3, 4), (4, 8), (5, 16), (6, 30), (60, 30)]
)
def test_waiting_doubles_up_to_half_an_hour(tries: int, minutes: int) -> None:
    assert wait_us(tries, 0.5) == minutes * _MINUTE


@pytest.mark.property
@given(st.integers(1, 10_000), st.floats(0, 1))
def test_waiting_is_spread_by_a_quarter_either_way(tries: int, chance: float) -> None:
    assert 45 * SECOND <= wait_us(tries, chance) <= LONGEST_WAIT_US


@pytest.mark.parametrize(
    ("kind", "waited", "wanted"),
    [
        (MailKind.REPORT, 120 * 3600 * SECOND - 1, False),
        (MailKind.REPORT, 120 * 3600 * SECOND, True),
        (MailKind.OUTAGE, NEWS_LASTS_US - 1, False),
        (MailKind.OUTAGE, NEWS_LASTS_US, True),
        (MailKind.OUTAGE_END, NEWS_LASTS_US, True),
        (MailKind.MAINTENANCE, NEWS_LASTS_US, False),
    ],
)
def test_trying_has_an_end_and_that_of_news_is_near(
    kind: MailKind, waited: int, wanted: bool
) -> None:
    waiting = Delivery(place=1, address="a@x.example", status=Status.WAITING, at=Instant(0),
                       begun=Instant(0), tries=3)  # fmt: skip
    found = given_up(mail(kind=kind), waiting, Instant(waited), patience_us=120 * 3600 * SECOND)
    assert found is wanted


def test_a_report_that_was_never_tried_is_not_given_up() -> None:
    """The daemon may have been off for a week."""
    waiting = Delivery(place=1, address="a@x.example", status=Status.WAITING, at=Instant(0),
                       begun=Instant(0))  # fmt: skip
    assert not given_up(mail(), waiting, Instant(10**15), patience_us=120 * 3600 * SECOND)


# What it is called, and its bytes.


def test_numbers_are_what_a_client_can_quote() -> None:
    assert report_number("acme", "2026-10", 1) == "ACME-2026-10-1"
    assert notice_number("acme", 7) == "ACME-N7"
    assert notice_number("", 2) == "TEST-2"


_IDS = st.from_regex(r"[a-z0-9][a-z0-9._-]{0,12}", fullmatch=True)
_MONTHS = st.from_regex(r"20[0-9]{2}-(0[1-9]|1[0-2])", fullmatch=True)
_REPORTS = st.tuples(_IDS, _MONTHS, st.integers(1, 99))


@pytest.mark.property
@given(_REPORTS, _REPORTS, st.integers(1, 99))
def test_no_two_mails_have_one_number(
    one: tuple[str, str, int], other: tuple[str, str, int], running: int
) -> None:
    assert (report_number(*one) == report_number(*other)) == (one == other)
    assert report_number(*one) != notice_number(other[0], running)


def test_the_newest_report_is_that_of_the_highest_revision() -> None:
    found = [
        Record(mail=mail(f"ACME-2026-10-{n}", revision=n), events=(event(0, H.QUEUED),))
        for n in (1, 3, 2)
    ]
    best = newest(found)
    assert best is not None
    assert best.mail.revision == 3
    assert newest([]) is None


def test_each_recipient_gets_a_to_of_their_own_and_the_same_bytes_below() -> None:
    assert addressed(b"Subject: x\r\n\r\ny", "a@x.example") == (
        b"To: a@x.example\r\nSubject: x\r\n\r\ny"
    )


@pytest.mark.parametrize("address", ["a@x.example\r\nBcc: b@x.example", "a b@x", "á@x", "a\x7f@x"])
def test_an_address_cannot_bring_a_header_along(address: str) -> None:
    with pytest.raises(ValueError, match="header") as caught:
        addressed(b"Subject: x\r\n\r\ny", address)
    assert address not in str(caught.value)


def test_what_a_server_says_is_kept_on_one_short_line() -> None:
    assert (
        said("451 4.7.1 grey\r\nlisted\x1b[31m  try\tlater")
        == "451 4.7.1 grey listed [31m try later"
    )
    assert said("451 \udcff\u202egrey") == "451 grey"  # neither bytes that are no text, nor tricks
    assert len(said("x" * 10_000)) == 300
