"""The monitor's own faults, told to its owner; and what mails and incidents wait for.

They are of the present and of this run. Something is told of only once it has lasted, so the watch
remembers since when each has been so, and when a count last rose.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from uptimed.core.alerts import values
from uptimed.core.alerts.values import Alert, Rule
from uptimed.core.alerts.words import line
from uptimed.core.minutes import MINUTE, start_of
from uptimed.core.observations import SECOND, Instant
from uptimed.core.snapshot import Snapshot

_NOT_SETTLING_US = 300 * SECOND
_LAGGING_US = 900 * SECOND
_CLOCK_OFF_US = 2 * SECOND
_SILENT_US = 600 * SECOND
_READ_US = 300 * SECOND  # what was read so lately tells of vantages
_STUCK_US = 900 * SECOND
_WAITING_US = 3600 * SECOND
_DUE_S = 900
_RISEN_US = 3600 * SECOND  # so long a count that rose is told of

_LASTS_US = {
    values.UNWELL: 2 * MINUTE,
    values.STORE_FAILING: MINUTE,
    values.REFERENCES_FAILED: 2 * MINUTE,
    values.FOLLOWER_LAGGING: 5 * MINUTE,
    values.CLOCK_OFF: 5 * MINUTE,
    values.VANTAGE_SILENT: 5 * MINUTE,
    values.GATHERING_STUCK: 5 * MINUTE,
}


@dataclass(frozen=True, slots=True)
class _Fault:
    rule: Rule
    summary: str
    description: str
    of: tuple[tuple[str, str], ...] = ()  # further labels, which tell it from others of its name


class MonitorWatch:
    """Remembers since when each fault has been there."""

    def __init__(self) -> None:
        self._since: dict[tuple[Rule, tuple[tuple[str, str], ...]], Instant] = {}
        self._counts: dict[Rule, tuple[int, Instant | None]] = {}

    def feed(self, snapshot: Snapshot, *, runbook: str) -> tuple[Alert, ...]:
        """Take a picture of the moment; return what is wrong and has been for long enough."""
        faults = list(self._faults(snapshot))
        there = {(fault.rule, fault.of) for fault in faults}
        self._since = {key: self._since.get(key, snapshot.at) for key in there}
        found: list[Alert] = []
        for fault in faults:
            since = self._since[fault.rule, fault.of]
            if snapshot.at - since >= _LASTS_US.get(fault.rule, 0):
                found.append(_alert(fault, since, snapshot.vantage, runbook))
        return tuple(found)

    def _faults(self, snapshot: Snapshot) -> Iterator[_Fault]:
        uptimed = f"uptimed at {snapshot.vantage}"
        yield from _settling(snapshot, uptimed)
        if not snapshot.healthy:
            yield _Fault(
                values.UNWELL, f"{uptimed} does not trust itself",
                "The journal cannot be written, the event loop is held up, or the clock is off: "
                "/healthz says which.",
            )  # fmt: skip
        if not snapshot.store.ok:
            yield _Fault(
                values.STORE_FAILING, f"{uptimed} cannot write its journal",
                "Looks wait in memory for ten minutes; then the oldest minutes are lost and not "
                f"measured. {line(snapshot.store.error)}",
            )  # fmt: skip
        if snapshot.references_failed:
            yield _Fault(
                values.REFERENCES_FAILED, f"{uptimed}: no reference answers",
                "Its own network is out. Minutes are not measured meanwhile; none is down for it.",
            )  # fmt: skip
        yield from _lagging(snapshot, uptimed)
        offset = snapshot.clock_offset_us
        if offset is not None and abs(offset) > _CLOCK_OFF_US:
            yield _Fault(
                values.CLOCK_OFF, f"{uptimed}: its clock is {abs(offset) // SECOND} s off",
                "From 30 s on, looks are not measured.",
            )  # fmt: skip
        if not snapshot.config.ok:
            yield _Fault(
                values.CONFIG_REFUSED, f"{uptimed} refused its configuration",
                "It goes on with the old one; `uptimed check` explains the mistakes.",
            )  # fmt: skip
        yield from _gathering(snapshot, uptimed)
        yield from _mail(snapshot, uptimed)
        yield from _cases(snapshot)
        yield from self._risen(snapshot, uptimed)

    def _risen(self, snapshot: Snapshot, uptimed: str) -> Iterator[_Fault]:
        if self._has_risen(values.STORE_LOST, snapshot.store.lost_attempts, snapshot.at):
            yield _Fault(
                values.STORE_LOST, f"{uptimed} lost attempts that it could not write",
                "Their minutes are not measured, with the cause `store`.",
            )  # fmt: skip
        if self._has_risen(values.BUG, snapshot.bugs, snapshot.at):
            yield _Fault(
                values.BUG, f"{uptimed} met an exception that nobody expected",
                "The look was not measured; the traceback is in the log.",
            )  # fmt: skip

    def _has_risen(self, rule: Rule, count: int, at: Instant) -> bool:
        before, rose = self._counts.get(rule, (0, None))
        if count > before:
            rose = at
        self._counts[rule] = count, rose
        return rose is not None and at - rose < _RISEN_US


def _settling(snapshot: Snapshot, uptimed: str) -> Iterator[_Fault]:
    late = [
        view.service
        for view in snapshot.services.values()
        if view.settled is not None and snapshot.at - start_of(view.settled) > _NOT_SETTLING_US
    ]
    if late:
        named = "1 service has" if len(late) == 1 else f"{len(late)} services have"
        yield _Fault(
            values.NOT_SETTLING, f"{uptimed}: {named} no letter for 5 minutes",
            "The monitor answers and does not judge; or its clock is behind.",
        )  # fmt: skip


def _lagging(snapshot: Snapshot, uptimed: str) -> Iterator[_Fault]:
    for follower in snapshot.followers:
        if follower.lag_us > _LAGGING_US:
            minutes = follower.lag_us // MINUTE
            yield _Fault(
                values.FOLLOWER_LAGGING, f"{uptimed}: {follower.name} is {minutes} minutes behind",
                "The journal keeps what it lacks; nothing is lost. "
                f"{line(follower.error)}".strip(),
                (("follower", follower.name),),
            )  # fmt: skip


def _gathering(snapshot: Snapshot, uptimed: str) -> Iterator[_Fault]:
    gather = snapshot.gather
    if gather is None:
        return
    read = gather.answered_at
    if read is not None and snapshot.at - read > _STUCK_US:
        yield _Fault(
            values.GATHERING_STUCK, f"{uptimed} cannot read what other vantages saw",
            "Minutes with too few vantages are not measured meanwhile; letters follow when it can "
            f"be read again. {line(gather.error)}".strip(),
        )  # fmt: skip
    for vantage in gather.vantages:
        lately = read is not None and snapshot.at - read < _READ_US
        last = vantage.last_look
        if lately and last is not None and snapshot.at - last > _SILENT_US:
            yield _Fault(
                values.VANTAGE_SILENT, f"{uptimed}: nothing comes from vantage {vantage.name}",
                "It does not look, or is cut off: then its looks come later. Minutes with too few "
                "vantages are not measured.",
                (("vantage", vantage.name),),
            )  # fmt: skip
        if vantage.doubled:
            yield _Fault(
                values.VANTAGE_DOUBLED,
                f"{uptimed}: two monitors call themselves {vantage.name}",
                "Their looks are taken for those of one. Give each a [vantage] name of its own.",
                (("vantage", vantage.name),),
            )  # fmt: skip


def _mail(snapshot: Snapshot, uptimed: str) -> Iterator[_Fault]:
    mail = snapshot.mail
    if mail is None:
        return
    for client, overdue in mail.overdue.items():
        if overdue:
            yield _Fault(
                values.REPORT_OVERDUE, f"{client}: the month's report is overdue",
                "No recipient has it yet. What holds it up: uptimed months --month YYYY-MM.",
                (("client", client),),
            )  # fmt: skip
    since = mail.waiting_since
    if since is not None and snapshot.at - since > _WAITING_US:
        minutes = (snapshot.at - since) // MINUTE
        yield _Fault(
            values.MAIL_STUCK, f"{uptimed}: a mail has been waiting for {minutes} minutes",
            f"The mail server does not take it: {line(mail.trouble)}".removesuffix(": "),
        )  # fmt: skip
    failed = sum(mail.statuses.get(status, 0) for status in ("refused", "uncertain"))
    if failed:
        yield _Fault(
            values.MAIL_FAILED,
            f"{uptimed}: {failed} {'mail needs' if failed == 1 else 'mails need'} a person",
            "Refused for good, or perhaps sent: uptimed outbox list --open.",
        )  # fmt: skip


def _cases(snapshot: Snapshot) -> Iterator[_Fault]:
    """Yield what clocks of open incidents say; of several of a service the one due first counts."""
    clocks: dict[tuple[str, str, str], tuple[int, str]] = {}
    levels: dict[tuple[str, str], str] = {}
    for case in snapshot.incidents:
        for clock, left in case.remaining_s.items():
            key = case.client, case.service, clock
            clocks[key] = min(clocks.get(key, (left, case.reference)), (left, case.reference))
        if case.escalations_due:
            levels.setdefault((case.client, case.service), case.reference)
    for (client, service, clock), (left, reference) in clocks.items():
        of, labels = f"{service} of {client}", _labels(snapshot, client, service)
        if left <= 0:
            yield _Fault(
                values.CLOCK_MISSED, f"{of}: time is up for {clock}",
                f"{reference} stands in the report as missed; it still has to be done.",
                (*labels, ("clock", clock)),
            )  # fmt: skip
        elif left <= _DUE_S:
            yield _Fault(
                values.CLOCK_DUE, f"{of}: {clock} is due within 15 minutes",
                f"It is of {reference}: uptimed incident show {reference}.",
                (*labels, ("clock", clock)),
            )  # fmt: skip
    for (client, service), reference in levels.items():
        yield _Fault(
            values.ESCALATION_DUE,
            f"{service} of {client}: an incident has to go to the next level",
            f"Hand {reference} on, and record it: uptimed incident escalate {reference} --level N "
            "--by NAME.",
            _labels(snapshot, client, service),
        )  # fmt: skip


def _labels(snapshot: Snapshot, client: str, service: str) -> tuple[tuple[str, str], ...]:
    view = snapshot.services.get(service)
    platform = view.platform if view is not None else ""
    return ("client", client), ("service", service), ("platform", platform or service)


def _alert(fault: _Fault, since: Instant, vantage: str, runbook: str) -> Alert:
    labels = dict(fault.of)
    if "client" not in labels:
        labels |= {"instance": vantage, "job": "uptimed"}
    return Alert(
        rule=fault.rule,
        labels={**fault.rule.labels, **labels},
        annotations={
            "summary": fault.summary,
            "description": fault.description,
            "runbook_url": fault.rule.runbook(runbook),
        },
        starts_at=since,
        service=labels.get("service", ""),
    )
