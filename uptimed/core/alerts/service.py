"""The alerts of one service: what its letters and its month tell, with what the page says."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, tzinfo

from uptimed.core.alerts import values, words
from uptimed.core.alerts.letters import episodes
from uptimed.core.alerts.looks import Seen
from uptimed.core.alerts.values import Alert, Episode, Rule
from uptimed.core.figures import Figures
from uptimed.core.incidents import grouped
from uptimed.core.minutes import Minute, moment_of, month_minutes, start_of
from uptimed.core.observations import SECOND, Attempt, Instant
from uptimed.core.outages import outages
from uptimed.core.snapshot import ServiceView
from uptimed.core.strip import NO_OVERLAY
from uptimed.core.support import SupportTerms

REACH = 1440
"""Minutes back from the last one: what was over before is not told of any more."""

_SUMMARIES = {
    values.SYSTEM_DOWN: ("system down", "Users cannot reach the system"),
    values.LOGIN_FAILURE: (
        "urgent login failure", "Users reach the system and cannot log in",
    ),
    values.DEGRADED: (
        "degraded, which its agreement counts as down", "A function fails or answers too slowly",
    ),
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """What a page says of a service besides its minutes. *zone* is the client's."""

    support: SupportTerms
    stage: str = "production"
    zone: tzinfo = UTC
    runbook: str = values.RUNBOOK


def labels_of(view: ServiceView) -> dict[str, str]:
    """Return the labels of a service. One without a platform is its own."""
    return {
        "client": view.client,
        "service": view.service,
        "platform": view.platform or view.service,
    }


def service_alerts(
    view: ServiceView,
    subject: Subject,
    *,
    now: Instant,
    seen: Mapping[Minute, Seen] | None = None,
    incidents: Mapping[Minute, str] | None = None,
) -> tuple[Alert, ...]:
    """Return the alerts of a service: those that stand, and what was over within a day.

    *seen* has what looks say of outages, and *incidents* the references of their cases, both by
    the outage's first minute.
    """
    found = list(_by_letters(view, subject, now, seen or {}, incidents or {}))
    if view.month is not None:
        found += _of_month(view, view.month, subject, now)
    return tuple(found)


def _by_letters(
    view: ServiceView,
    subject: Subject,
    now: Instant,
    seen: Mapping[Minute, Seen],
    incidents: Mapping[Minute, str],
) -> Iterator[Alert]:
    after = Minute(view.recent.stop - 1 - REACH)
    found = episodes(view.recent, down=view.counted, after=after)
    latest = {episode.rule: episode for episode in found}  # of one kind the last is told of
    for episode in latest.values():
        labels = {**episode.rule.labels, **labels_of(view)}
        if episode.rule.kind == "outage":
            labels["class"] = words.kind_of(episode.letter)
            said = _outage(
                view, episode, subject, now, seen.get(episode.since, Seen()),
                incidents.get(episode.since, ""),
            )  # fmt: skip
        else:
            said = _count(view, episode)
        if episode.rule.kind == "lately":
            del labels["platform"]
        yield Alert(
            rule=episode.rule,
            labels=labels,
            annotations=words.without_nothing(
                {**said, "runbook_url": episode.rule.runbook(subject.runbook)}
            ),
            starts_at=start_of(episode.since),
            ends_at=None if episode.until is None else start_of(episode.until),
            episode=episode,
            service=view.service,
        )


def _outage(
    view: ServiceView,
    episode: Episode,
    subject: Subject,
    now: Instant,
    seen: Seen,
    incident: str,
) -> dict[str, str]:
    summary, description = _SUMMARIES[episode.rule]
    zone = subject.zone
    good = (
        _look(seen.good, zone)
        if seen.good is not None
        else words.last_good_minute(view.recent, episode.since, view.counted, zone)
    )
    over = "" if episode.until is None else words.minute_words(episode.until, zone)
    return {
        "summary": f"{view.service} of {view.client}: {summary}",
        "description": f"{description}: two of the last three minutes or more were down.",
        "since": words.minute_words(episode.since, zone),
        "until": over,
        "evidence": (
            f"{_look(seen.first, zone)}: {words.line(_reason(seen.first))}"
            if seen.first is not None
            else f"no look is at hand; see: uptimed status --service {view.service}"
        ),
        "last_good": good,
        "vantages": "; ".join(f"{name}: {state}" for name, state in seen.vantages.items()),
        "restore": words.restore_words(
            subject.support, episode.letter, stage=subject.stage,
            started=_incident_start(view, episode), now=now, zone=zone,
        ),
        "budget": words.budget(view.month),
        "recent": words.recent(view),
        "incident": incident,
    }  # fmt: skip


def _look(attempt: Attempt, zone: tzinfo) -> str:
    when = words.told_at(attempt.at, zone, seconds=True)
    return f"{attempt.probe} from {attempt.vantage} at {when}"


def _reason(attempt: Attempt) -> str:
    return ": ".join(part for part in (str(attempt.cause), attempt.detail) if part)


def _incident_start(view: ServiceView, episode: Episode) -> Instant:
    """Return the start of the first outage of the incident that *episode* is part of."""
    strip = view.recent
    found = outages(strip, NO_OVERLAY * len(strip.letters), down=view.counted)
    for group in grouped(found, strip, NO_OVERLAY * len(strip.letters)):
        if any(episode.since in outage.down for outage in group.outages):
            return Instant(group.started_at * SECOND)
    return start_of(episode.since)


def _count(view: ServiceView, episode: Episode) -> dict[str, str]:
    of = f"{view.service} of {view.client}"
    until = view.recent.stop if episode.ended is None else episode.ended
    budget = words.budget(view.month)

    def count(window: int, letters: str) -> int:
        return words.count(view.recent, letters, until=until, window=window)

    match episode.rule:
        case values.FAST_BURN:
            return {
                "summary": f"{of}: {count(60, view.counted)} of the last 60 minutes down",
                "description": "It comes and goes, and the last five minutes had some of it.",
                "budget": budget,
            }
        case values.SLOW_BURN:
            return {
                "summary": f"{of}: {count(1440, view.counted)} minutes down in the last 24 hours",
                "description": "The last two hours had some of it; three days of this use up the "
                "month.",
                "budget": budget,
            }
        case values.DRIFT:
            return {
                "summary": f"{of}: {count(4320, view.counted)} minutes down in the last 3 days",
                "description": "Now and then a minute is down, and the last six hours had one: at "
                "this pace the month is used up before it ends.",
                "budget": budget,
            }
        case values.BLIND:
            return {
                "summary": f"{of}: {count(10, 'N')} of the last 10 minutes were not measured",
                "description": "We do not know how it is, by a fault of ours. An outage now would "
                "not be seen.",
            }
        case _:
            within = {"10m": "10 minutes", "2h": "2 hours"}[episode.rule.window]
            return {"summary": f"{of}: an outage within {within}"}


_LINES: Sequence[tuple[Rule, str, str]] = (
    (values.HALF_USED, "half of the month's minutes used", "{} minutes were down this month."),
    (
        values.THREE_QUARTERS_USED, "three quarters of the month's minutes used",
        "{} minutes were down this month.",
    ),
    (
        values.ALL_USED, "all of the month's minutes used",
        "{} minutes were down this month. One more breaks the promise, or did.",
    ),
    (
        values.BROKEN, "below the target this month, so far",
        "{} minutes were down this month, more than are allowed.",
    ),
    (
        values.UNPROVEN, "this month can no longer be proven",
        "{} minutes were down or not measured this month: more than may be down.",
    ),
)  # fmt: skip


def _crossed(month: Figures) -> Mapping[Rule, bool]:
    down, allowed = month.down, month.allowed
    return {
        values.HALF_USED: down > 0 and 2 * down >= allowed,
        values.THREE_QUARTERS_USED: down > 0 and 4 * down >= 3 * allowed,
        values.ALL_USED: down > 0 and down >= allowed,
        values.BROKEN: down > allowed,
        values.UNPROVEN: down <= allowed < down + month.not_measured,
    }


def _of_month(view: ServiceView, month: Figures, subject: Subject, now: Instant) -> Iterator[Alert]:
    """Yield the lines that the month has crossed.

    They begin with the month: when it happened the figures do not say, and what a second monitor
    would say must be the same.
    """
    crossed = _crossed(month)
    if not any(crossed.values()):
        return
    local = moment_of(now).astimezone(subject.zone)
    begin = start_of(Minute(month_minutes(local.year, local.month, subject.zone).start))
    for rule, summary, description in _LINES:
        if crossed[rule]:
            minutes = month.down + (month.not_measured if rule is values.UNPROVEN else 0)
            yield Alert(
                rule=rule,
                labels={**rule.labels, **labels_of(view)},
                annotations={
                    "summary": f"{view.service} of {view.client}: {summary}",
                    "description": description.format(minutes),
                    "budget": words.budget(month),
                    "runbook_url": rule.runbook(subject.runbook),
                },
                starts_at=begin,
                service=view.service,
            )
