"""What mails say: the month's report, notices of maintenance, exceptions and outages.

Each is written once, as plain text and as HTML that says the same; whoever sends it adds nothing.
Words of others (a reason, a client's name) stand in both as they are, escaped in HTML; line breaks
and control characters in them become spaces, so that they cannot pretend to be ours.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import tzinfo
from functools import cache

from reports.figures import Words, verdict_heading, verdict_reason
from reports.language import Language, language_of
from reports.templating import environment
from reports.theme import readable
from uptimed.core.minutes import Minute
from uptimed.core.observations import SECOND
from uptimed.core.outbox import MailKind, Notice, Written
from uptimed.core.statement import Party, ServiceStatement, Statement

_MINUTE_US = 60 * SECOND
_LONGEST_SUBJECT = 250  # characters; a line of a header has 998 bytes at most


@dataclass(frozen=True, slots=True, kw_only=True)
class _Letter:
    """A mail before it is laid out. A row of *table* has as many cells as its *header*."""

    subject: str
    title: str
    before: Sequence[str]
    header: Sequence[str] = ()
    table: Sequence[Sequence[str]] = ()
    after: Sequence[str] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Sender:
    """Who writes to whom: what stands at the foot of every mail, and what it can be quoted by."""

    client: Party
    operator: Party
    language: str
    zone: tzinfo
    number: str
    made_up: bool = False


def report_mail(statement: Statement, language: str, number: str) -> Written:
    """Return the mail that the report of a whole month is attached to."""
    spoken = language_of(language)
    words = Words(spoken, statement.period.zone)
    month = words.month(statement.period.month)
    title = spoken.say("Availability report") + f", {month}"
    letter = _Letter(
        subject=f"{title}: {_plain(statement.client.name)}",
        title=title,
        before=tuple(_introduction(spoken, statement, month)),
        header=(
            spoken.say("Service"),
            spoken.say("Availability"),
            _wanted(spoken, promised=statement.contract.promised),
            spoken.say("Minutes down"),
            spoken.say("Result"),
        ),
        table=[_row(words, statement, service) for service in statement.services],
        after=tuple(_conclusion(spoken, statement, number)),
    )
    sender = Sender(
        client=statement.client,
        operator=statement.operator,
        language=language,
        zone=statement.period.zone,
        number=number,
        made_up=statement.made_up,
    )
    return _written(letter, sender, spoken)


def notice_mail(notice: Notice, sender: Sender) -> Written:
    """Return the mail that tells of *notice*."""
    spoken = language_of(sender.language)
    return _written(_notice(notice, sender, spoken), sender, spoken)


def _introduction(spoken: Language, statement: Statement, month: str) -> Iterator[str]:
    name = _plain(statement.client.name)
    yield spoken.say(
        "Attached is the availability report of {client} for {month}.", client=name, month=month
    )
    if statement.revision > 1:
        yield spoken.say(
            "This is revision {revision}. It takes the place of revision {earlier} and lists what "
            "was corrected; the earlier figures are in it as well.",
            revision=statement.revision,
            earlier=statement.revision - 1,
        )


def _wanted(spoken: Language, *, promised: bool) -> str:
    return spoken.say("Target") if promised else spoken.say("House reference")


def _row(words: Words, statement: Statement, service: ServiceStatement) -> Sequence[str]:
    figures, spoken = service.figures, words.language
    return (
        _plain(service.name),
        words.percent(figures.availability_ppm),
        words.percent_of(statement.contract.target),
        spoken.say(
            "{used} of {allowed}",
            used=words.number(figures.down),
            allowed=words.number(figures.allowed),
        ),
        verdict_heading(spoken, figures, statement.contract, complete=True),
    )


def _conclusion(spoken: Language, statement: Statement, number: str) -> Iterator[str]:
    reasons = [
        verdict_reason(spoken, service.figures, statement.contract, complete=True)
        for service in statement.services
    ]
    yield from dict.fromkeys(reasons)
    yield spoken.say(
        "The PDF has every minute of the month and the terms that it is measured by; the JSON file "
        "has the same figures for programs."
    )
    yield _objection(spoken, number)


def _objection(spoken: Language, number: str) -> str:
    return spoken.say(
        "If you see it otherwise, please answer this mail and quote the number {number}.",
        number=number,
    )


def _notice(notice: Notice, sender: Sender, spoken: Language) -> _Letter:
    words = Words(spoken, sender.zone)
    services = ", ".join(map(_plain, notice.services))
    start = words.instant(notice.start)
    stop = "" if notice.stop is None else words.instant(notice.stop)
    reason = [spoken.say("Reason: {reason}", reason=_plain(notice.reason))] if notice.reason else []
    match notice.kind:
        case MailKind.MAINTENANCE:
            title = spoken.say("Announcement of maintenance")
            before = [
                spoken.say(
                    "Work on {services} is announced, from {start} to {stop}.",
                    services=services, start=start, stop=stop,
                ),
                *reason,
            ]  # fmt: skip
            after: Sequence[str] = [_objection(spoken, sender.number)]
        case MailKind.EXCEPTION:
            title = spoken.say("Notice of an exception")
            before = [
                spoken.say(
                    "The time from {start} to {stop} is to be left out of the availability of "
                    "{services}.",
                    services=services, start=start, stop=stop,
                ),
                *reason,
            ]  # fmt: skip
            after = [
                spoken.say("The report prints both figures, with these minutes and without them."),
                _objection(spoken, sender.number),
            ]
        case _:
            return _news(notice, words, services, sender.number)
    return _Letter(subject=f"{title}: {services}, {start}", title=title, before=before, after=after)


def _news(notice: Notice, words: Words, services: str, number: str) -> _Letter:
    spoken = words.language
    start = words.instant(notice.start)
    if notice.kind is MailKind.TEST:
        title = spoken.say("Test mail")
        return _Letter(
            subject=f"{title} {number}",
            title=title,
            before=[spoken.say("If you can read this, mail goes out as it was set up.")],
        )
    if notice.kind is MailKind.OUTAGE_END and notice.stop is not None:
        title = spoken.say("The outage is over")
        lasted = Minute((notice.stop - notice.start) // _MINUTE_US)
        before = [
            spoken.say(
                "{services} can be used again since {stop}. The outage began at {start} and "
                "lasted {length}.",
                services=services,
                start=start,
                stop=words.instant(notice.stop),
                length=words.span(lasted),
            )
        ]
        after = [spoken.say("What counts is what the report of the month says.")]
    else:
        title = spoken.say("Outage")
        what = (
            spoken.say("Users reach {services} and cannot log in, since {start}.",
                       services=services, start=start)
            if notice.letter.upper() == "L"
            else spoken.say("Users cannot use {services}, since {start}.",
                            services=services, start=start)
        )  # fmt: skip
        before = [what, spoken.say("It was seen in two of the last three minutes or more.")]
        after = [spoken.say("You will be told when it is over.")]
    return _Letter(subject=f"{title}: {services}, {start}", title=title, before=before, after=after)


def _written(letter: _Letter, sender: Sender, spoken: Language) -> Written:
    # A no-break space in a subject is shown as a box by some programs.
    subject = f"[{sender.number}] {_plain(letter.subject)[:_LONGEST_SUBJECT]}"
    warning = ""
    if sender.made_up:
        warning = spoken.say("Made-up history: a demonstration")
        subject = f"{warning}. {subject}"
    html = _environment().get_template("mail.html.j2").render(
        letter=letter,
        sender=sender,
        warning=warning,
        code=spoken.code,
        accent=readable(sender.client.colour or sender.operator.colour),
    )  # fmt: skip
    return Written(subject=subject, text=_as_text(letter, sender, warning), html=html)


def _as_text(letter: _Letter, sender: Sender, warning: str) -> str:
    blocks = [letter.title, *([warning] if warning else []), *letter.before]
    for row in letter.table:
        name, *cells = row
        named = zip(letter.header[1:], cells, strict=True)
        blocks.append("\n".join([name, *(f"    {head}: {cell}" for head, cell in named)]))
    blocks += letter.after
    foot = [line for line in (_plain(sender.operator.name), sender.operator.contact) if line]
    if foot:
        blocks.append("\n".join(["-- ", *foot]))
    return "\n\n".join(blocks) + "\n"


def _plain(text: str) -> str:
    """Return *text* on one line, with nothing in it that does not print."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


_environment = cache(environment)
