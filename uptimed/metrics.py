"""The metrics page: a collector over one snapshot.

Nothing is remembered between scrapes, so a service that is gone from the configuration is gone from
the page. Names and units follow Prometheus' rules; minutes are the unit of the promise, and keep
theirs. Labels are bounded: ids of the configuration and closed vocabularies.
"""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    InfoMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector
from typing_extensions import override

from uptimed.core.figures import Figures
from uptimed.core.observations import SECOND, Cause, Outcome
from uptimed.core.outages import KINDS
from uptimed.core.snapshot import (
    GatherView,
    HistogramData,
    IncidentView,
    MailView,
    ProbeView,
    ServiceView,
    Snapshot,
)
from uptimed.core.terms import PPM

_STATES = {
    "U": "up",
    "G": "degraded",
    "D": "system_down",
    "L": "login_failure",
    "N": "not_measured",
}
_DOWN_WINDOWS = {
    "3m": 3, "5m": 5, "60m": 60, "2h": 120, "6h": 360, "24h": 1440, "3d": 3 * 1440,
}  # fmt: skip
_NOT_MEASURED_WINDOWS = {"10m": 10, "24h": 1440}
_SERVICE = ("client", "service")
_PROBE = (*_SERVICE, "probe", "vantage")
_CAUSES = frozenset(str(cause) for cause in Cause)


def page(snapshot: Snapshot) -> bytes:
    """Return the metrics of *snapshot* in Prometheus' text format."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Picture(snapshot))
    return generate_latest(registry)


def metrics_of(snapshot: Snapshot) -> Iterator[Metric]:
    """Yield the metrics of *snapshot*."""
    yield from _services(snapshot.services.values())
    yield from _months([view for view in snapshot.services.values() if view.month])
    yield from _incidents(snapshot.incidents)
    yield from _probes(snapshot)
    yield from _monitor(snapshot)
    if snapshot.gather is not None:
        yield from _gathered(snapshot.gather)
    if snapshot.mail is not None:
        yield from _mail(snapshot.mail)


class _Picture(Collector):
    """All metrics of one snapshot."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot

    @override
    def collect(self) -> Iterable[Metric]:
        return metrics_of(self._snapshot)


def _services(views: Collection[ServiceView]) -> Iterator[Metric]:
    state = GaugeMetricFamily(
        "uptimed_service_state", "1 for the state of the last settled minute.",
        labels=(*_SERVICE, "state"),
    )  # fmt: skip
    settled = GaugeMetricFamily(
        "uptimed_service_last_settled_timestamp_seconds", "Start of the last settled minute.",
        labels=_SERVICE,
    )  # fmt: skip
    minutes = CounterMetricFamily(
        "uptimed_minutes", "Minutes settled since the start, by letter.",
        labels=(*_SERVICE, "letter"),
    )  # fmt: skip
    for view in views:
        place = (view.client, view.service)
        for letter, word in _STATES.items():
            state.add_metric((*place, word), float(view.letter.upper() == letter))
            minutes.add_metric((*place, letter), view.minutes.get(letter, 0))
        if view.settled is not None:
            settled.add_metric(place, view.settled * 60)
    yield state
    yield settled
    yield minutes
    yield from _recent(views)
    yield from _outages(views)
    info = GaugeMetricFamily(
        "uptimed_service_info", "1 for each service, with what it shares with others.",
        labels=(*_SERVICE, "platform"),
    )  # fmt: skip
    for view in views:
        info.add_metric((view.client, view.service, view.platform), 1)
    yield info


def _recent(views: Collection[ServiceView]) -> Iterator[Metric]:
    """Yield counts of the latest letters.

    They are exact where `increase()` of a counter guesses: a restart resets nothing, a letter that
    a late look changed is counted as it is now, and it does not matter when the scrape comes.
    """
    down = GaugeMetricFamily(
        "uptimed_recent_down_minutes", "Down minutes among the last settled ones.",
        labels=(*_SERVICE, "window"),
    )  # fmt: skip
    not_measured = GaugeMetricFamily(
        "uptimed_recent_not_measured_minutes",
        "Minutes among the last settled ones that were not measured.",
        labels=(*_SERVICE, "window"),
    )  # fmt: skip
    for view in views:
        place, plain = (view.client, view.service), view.recent.plain
        for family, windows, letters in (
            (down, _DOWN_WINDOWS, view.counted), (not_measured, _NOT_MEASURED_WINDOWS, "N"),
        ):  # fmt: skip
            found = [letter for letter in letters if letter in plain]
            for window, length in windows.items():
                latest = plain[-length:] if found else ""
                count = sum(latest.count(letter) for letter in found)
                family.add_metric((*place, window), count)
    yield down
    yield not_measured


def _outages(views: Collection[ServiceView]) -> Iterator[Metric]:
    is_open = GaugeMetricFamily(
        "uptimed_outage_open", "1 while an outage lasts, by the class that confirmed it.",
        labels=(*_SERVICE, "class"),
    )  # fmt: skip
    start = GaugeMetricFamily(
        "uptimed_outage_start_timestamp_seconds", "When the outage that lasts began.",
        labels=_SERVICE,
    )  # fmt: skip
    for view in views:
        place = (view.client, view.service)
        for letter, kind in KINDS.items():
            is_open.add_metric((*place, kind), _told_as(view) == letter)
        if view.down is not None:
            start.add_metric(place, view.down.since * 60)
    yield is_open
    yield start


def _told_as(view: ServiceView) -> str:
    """Return the letter that the present outage is told as, nothing where there is none."""
    if view.down is None:
        return ""
    letter = view.down.letter.upper()
    return letter if letter in KINDS else "D"


def _months(views: Iterable[ServiceView]) -> Iterator[Metric]:
    views = list(views)
    yield _month(
        "down_minutes", "Down minutes of the month so far.", views, lambda m: float(m.down)
    )
    yield _month(
        "allowed_down_minutes", "Minutes that may be down in the whole month.", views,
        lambda m: float(m.allowed),
    )  # fmt: skip
    yield _month(
        "not_measured_minutes", "Minutes of the month so far that were not measured.", views,
        lambda m: float(m.not_measured),
    )  # fmt: skip
    yield _month(
        "availability_ratio", "Availability of the month so far, cut off at six decimals.", views,
        lambda m: _ratio(m.availability_ppm),
    )  # fmt: skip
    yield _month("target_ratio", "The contract's target.", views, lambda m: m.target_ppm / PPM)
    yield _month(
        "coverage_ratio", "Share of the month's scope so far that was measured.", views,
        lambda m: _ratio(m.coverage_ppm),
    )  # fmt: skip


def _month(
    name: str, text: str, views: Iterable[ServiceView], value: Callable[[Figures], float | None]
) -> Metric:
    family = GaugeMetricFamily(f"uptimed_month_{name}", text, labels=_SERVICE)
    for view in views:
        found = value(view.month) if view.month is not None else None
        if found is not None:
            family.add_metric((view.client, view.service), found)
    return family


def _ratio(ppm: int | None) -> float | None:
    return None if ppm is None else ppm / PPM


def _incidents(views: Collection[IncidentView]) -> Iterator[Metric]:
    """Yield what is open. Of several incidents of a service the clock that is due first counts.

    One whose time is up hides none that can still be kept.
    """
    is_open = GaugeMetricFamily(
        "uptimed_incident_open", "Incidents that are not resolved, by severity.",
        labels=(*_SERVICE, "severity"),
    )  # fmt: skip
    remaining = GaugeMetricFamily(
        "uptimed_incident_clock_remaining_seconds",
        "Support hours that a clock of an open incident has left; negative when time is up.",
        labels=(*_SERVICE, "clock"),
    )  # fmt: skip
    missed = GaugeMetricFamily(
        "uptimed_incident_clocks_missed", "Open incidents for which a clock's time is up.",
        labels=(*_SERVICE, "clock"),
    )  # fmt: skip
    escalations = GaugeMetricFamily(
        "uptimed_incident_escalations_due",
        "Levels that open incidents have come to and nobody recorded as escalated.",
        labels=_SERVICE,
    )  # fmt: skip
    counts: Counter[tuple[str, str, str]] = Counter()
    clocks: dict[tuple[str, str, str], list[int]] = {}
    levels: Counter[tuple[str, str]] = Counter()
    for view in views:
        place = (view.client, view.service)
        counts[*place, view.severity] += 1
        levels[place] += view.escalations_due
        for clock, seconds in view.remaining_s.items():
            clocks.setdefault((*place, clock), []).append(seconds)
    for labels, count in sorted(counts.items()):
        is_open.add_metric(labels, count)
    for labels, left in sorted(clocks.items()):
        remaining.add_metric(labels, min(left, key=lambda seconds: (seconds <= 0, seconds)))
        missed.add_metric(labels, sum(1 for seconds in left if seconds <= 0))
    for where, count in sorted(levels.items()):
        escalations.add_metric(where, count)
    yield is_open
    yield remaining
    yield missed
    yield escalations


def _probes(snapshot: Snapshot) -> Iterator[Metric]:
    success = GaugeMetricFamily(
        "uptimed_probe_success", "1 if the last attempt passed, 0 if it failed.", labels=_PROBE
    )
    phases = GaugeMetricFamily(
        "uptimed_probe_phase_seconds", "How long each phase of the last attempt took.",
        labels=(*_PROBE, "phase"),
    )  # fmt: skip
    attempts = CounterMetricFamily(
        "uptimed_probe_attempts", "Attempts since the start, by outcome and cause.",
        labels=(*_PROBE, "outcome", "cause"),
    )  # fmt: skip
    expiry = GaugeMetricFamily(
        "uptimed_probe_certificate_expiry_timestamp_seconds",
        "When the certificate that the target showed expires.", labels=_PROBE,
    )  # fmt: skip
    rejected = GaugeMetricFamily(
        "uptimed_login_rejected",
        "1 while an account's credentials are rejected: it has not passed since.",
        labels=_PROBE,
    )  # fmt: skip
    suspected = GaugeMetricFamily(
        "uptimed_login_suspected",
        "1 while the last login refused an account that had passed within the hour.",
        labels=_PROBE,
    )  # fmt: skip
    for view in snapshot.probes.values():
        place = (view.client, view.service, view.probe, snapshot.vantage)
        if view.outcome in {Outcome.PASS, Outcome.FAIL, Outcome.MAINTENANCE}:
            success.add_metric(place, float(view.outcome is Outcome.PASS))
        for phase, took in view.phases.items():
            phases.add_metric((*place, str(phase)), took / SECOND)
        for (outcome, cause), count in _counts(view).items():
            attempts.add_metric((*place, outcome, cause), count)
        if view.certificate_expires is not None:
            expiry.add_metric(place, view.certificate_expires / SECOND)
        if _logs_in(view):
            rejected.add_metric(place, float(view.rejected))
            suspected.add_metric(place, float(view.suspected))
    yield success
    yield phases
    yield attempts
    yield expiry
    yield rejected
    yield suspected
    durations = HistogramMetricFamily(
        "uptimed_look_duration_seconds", "How long attempts took, by kind of probe.",
        labels=("kind",),
    )  # fmt: skip
    for kind, data in snapshot.look_durations.items():
        durations.add_metric((kind,), *_histogram(data))
    yield durations


def _logs_in(view: ProbeView) -> bool:
    return view.role == "login"


def _counts(view: ProbeView) -> Mapping[tuple[str, str], int]:
    """Return the attempts by outcome and cause; a cause outside the vocabulary is no label."""
    counts: dict[tuple[str, str], int] = {}
    for (outcome, cause), count in {**_none_yet(view), **view.counts}.items():
        key = outcome, cause if cause in _CAUSES else ""
        counts[key] = counts.get(key, 0) + count  # the same sample twice would spoil the page
    return counts


def _none_yet(view: ProbeView) -> Mapping[tuple[str, str], int]:
    """Return the counts that start at 0, so that the first refusal shows as an increase."""
    if not _logs_in(view):
        return {}
    return {
        (Outcome.REJECTED, Cause.LOGIN_REJECTED): 0,
        (Outcome.BLOCKED, Cause.LOGIN_BLOCKED): 0,
    }


def _monitor(snapshot: Snapshot) -> Iterator[Metric]:
    lag = HistogramMetricFamily(
        "uptimed_schedule_lag_seconds", "How much later than planned looks began."
    )
    lag.add_metric((), *_histogram(snapshot.schedule_lag))
    yield lag
    yield _gauge(
        "uptimed_event_loop_lag_seconds", "How late the event loop last woke up.",
        snapshot.loop_lag_us / SECOND,
    )  # fmt: skip
    bugs = CounterMetricFamily("uptimed_bugs", "Exceptions that nobody expected: bugs of uptimed.")
    bugs.add_metric((), snapshot.bugs)
    yield bugs
    yield _gauge("uptimed_store_up", "1 while the journal can be written.", snapshot.store.ok)
    yield _gauge(
        "uptimed_store_backlog_attempts", "Attempts that wait to be written.",
        snapshot.store.backlog,
    )  # fmt: skip
    lost = CounterMetricFamily(
        "uptimed_store_lost_attempts", "Attempts that could not be kept while the journal failed."
    )
    lost.add_metric((), snapshot.store.lost_attempts)
    yield lost
    yield _gauge(
        "uptimed_config_last_reload_successful", "1 if the last configuration read was usable.",
        snapshot.config.ok,
    )  # fmt: skip
    yield _gauge(
        "uptimed_config_loaded_timestamp_seconds", "When the configuration in use was loaded.",
        snapshot.config.loaded_at / SECOND,
    )  # fmt: skip
    yield _gauge("uptimed_healthy", "1 while the monitor trusts itself.", snapshot.healthy)
    yield _gauge(
        "uptimed_references_failed", "1 while no reference answers: our own network is out.",
        snapshot.references_failed,
    )  # fmt: skip
    if snapshot.clock_offset_us is not None:
        yield _gauge(
            "uptimed_clock_offset_seconds", "The references' clocks less this host's.",
            snapshot.clock_offset_us / SECOND,
        )  # fmt: skip
    yield _gauge(
        "uptimed_start_timestamp_seconds", "When the daemon was started.",
        snapshot.started_at / SECOND,
    )  # fmt: skip
    build = InfoMetricFamily("uptimed_build", "The version that runs, and its vantage.")
    build.add_metric((), {"version": snapshot.software, "vantage": snapshot.vantage})
    yield build
    yield from _followers(snapshot)


def _followers(snapshot: Snapshot) -> Iterator[Metric]:
    lag = GaugeMetricFamily(
        "uptimed_follower_lag_seconds", "How old the oldest entry is that a follower lacks.",
        labels=("follower",),
    )  # fmt: skip
    backlog = GaugeMetricFamily(
        "uptimed_follower_backlog", "Entries that a follower lacks.", labels=("follower",)
    )
    aside = CounterMetricFamily(
        "uptimed_follower_set_aside", "Entries that a follower gave up: they were refused.",
        labels=("follower",),
    )  # fmt: skip
    for follower in snapshot.followers:
        lag.add_metric((follower.name,), follower.lag_us / SECOND)
        backlog.add_metric((follower.name,), follower.backlog)
        if follower.set_aside is not None:
            aside.add_metric((follower.name,), follower.set_aside)
    yield lag
    yield backlog
    yield aside


def _gathered(view: GatherView) -> Iterator[Metric]:
    """Yield what is known of other vantages; a vantage that was never heard of is at 0."""
    yield _gauge(
        "uptimed_gather_last_success_timestamp_seconds",
        "When the looks of other vantages could be read last.",
        (view.answered_at or 0) / SECOND,
    )  # fmt: skip
    last = GaugeMetricFamily(
        "uptimed_vantage_last_look_timestamp_seconds",
        "When the newest look of another vantage began that came.", labels=("vantage",),
    )  # fmt: skip
    gathered = CounterMetricFamily(
        "uptimed_vantage_gathered_attempts",
        "Attempts of another vantage that were taken in since the start.", labels=("vantage",),
    )  # fmt: skip
    aside = CounterMetricFamily(
        "uptimed_vantage_late_attempts",
        "Attempts of another vantage that came for sealed days, and change no letter.",
        labels=("vantage",),
    )  # fmt: skip
    doubled = GaugeMetricFamily(
        "uptimed_vantage_doubled", "1 while two monitors call themselves by this name.",
        labels=("vantage",),
    )  # fmt: skip
    for vantage in view.vantages:
        place = (vantage.name,)
        last.add_metric(place, (vantage.last_look or 0) / SECOND)
        gathered.add_metric(place, vantage.taken)
        aside.add_metric(place, vantage.set_aside)
        doubled.add_metric(place, float(vantage.doubled))
    yield last
    yield gathered
    yield aside
    yield doubled


def _mail(view: MailView) -> Iterator[Metric]:
    overdue = GaugeMetricFamily(
        "uptimed_report_overdue", "1 while a client's month report is overdue.", labels=("client",)
    )
    for client, late in view.overdue.items():
        overdue.add_metric((client,), float(late))
    yield overdue
    copies = GaugeMetricFamily(
        "uptimed_outbox_recipients", "Mails to one recipient each that are not done with.",
        labels=("status",),
    )  # fmt: skip
    for status, count in view.statuses.items():
        copies.add_metric((status,), count)
    yield copies
    for name, text, at in (
        ("outbox_oldest_waiting", "Since when the mail that waits longest is being sent.",
         view.waiting_since),
        ("mail_last_accepted", "When the mail server last took a mail over.",
         view.last_accepted),
    ):  # fmt: skip
        when = GaugeMetricFamily(f"uptimed_{name}_timestamp_seconds", text)
        if at is not None:
            when.add_metric((), at / SECOND)
        yield when


def _gauge(name: str, text: str, value: float) -> Metric:
    return GaugeMetricFamily(name, text, value=float(value))


def _histogram(data: HistogramData) -> tuple[list[tuple[str, float]], float]:
    """Return cumulative buckets, the last of them without a bound, and the sum in seconds."""
    buckets: list[tuple[str, float]] = []
    total = 0
    bounds = [str(bound / SECOND) for bound in data.bounds_us] + ["+Inf"]
    for bound, count in zip(bounds, data.counts, strict=True):
        total += count
        buckets.append((bound, total))
    return buckets, data.sum_us / SECOND
