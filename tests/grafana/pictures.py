"""What the daemon knows after each minute of a story told in letters."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC

from uptimed.core.figures import Figures, figures
from uptimed.core.minutes import Minute
from uptimed.core.observations import SECOND, Cause, Instant, Outcome, Phase
from uptimed.core.snapshot import (
    ConfigHealth,
    Edge,
    FollowerView,
    GatherView,
    HistogramData,
    IncidentView,
    MailView,
    ProbeView,
    ServiceView,
    Snapshot,
    StoreHealth,
    VantageView,
)
from uptimed.core.strip import NO_OVERLAY, NOT_MEASURED, Strip
from uptimed.core.terms import ContractTerms
from uptimed.core.turns import OutageWatch
from uptimed.daemon.settle import KEPT_LETTERS

MONTH = 31 * 1440
"""Minutes of the month that every story is told in."""

NOBODY = "-"
"""A minute in which the monitor does not run: there is no page, and the letter is `N`."""

CONTRACT = ContractTerms(
    id="datacrm", version="1", sha256="", zone_name="UTC", zone=UTC, language="en",
    target_ppm=999_600, target="99.96",
)  # fmt: skip


def drawn(text: str) -> str:
    """Return the letters of a drawing: `U*60 DDU` is sixty `U`, then `DDU`."""
    pieces = re.sub(r"(.)\*(\d+)", lambda found: found[1] * int(found[2]), text)
    return pieces.replace(" ", "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """One service and the letters of its minutes, from *start* on."""

    letters: str
    service: str = "acme-crm"
    client: str = "acme"
    platform: str = ""
    counted: str = "DL"
    start: Minute = Minute(0)

    def views(self, *, begin: int = 0) -> Iterator[ServiceView | None]:
        """Yield what is known after *begin* minutes and after each more; None: nobody runs."""
        watch, down = OutageWatch(self.counted), None
        if begin == 0:
            yield self._view(0, None)
        for number, drawn_letter in enumerate(self.letters, start=1):
            letter = NOT_MEASURED if drawn_letter == NOBODY else drawn_letter
            turn = watch.feed(Minute(self.start + number - 1), letter)
            if turn is not None:
                down = None if turn.until is not None else self._edge(turn.since)
            if number >= begin:
                yield None if drawn_letter == NOBODY else self._view(number, down)

    def last(self) -> ServiceView:
        """Return what is known after the last minute."""
        *_, view = self.views(begin=len(self.letters))
        assert view is not None
        return view

    def _edge(self, since: Minute) -> Edge:
        letter = self.letters[since - self.start].upper()
        return Edge(
            kind="down", at=Instant(since * 60 * SECOND), service=self.service, client=self.client,
            letter=letter, since=since,
        )  # fmt: skip

    def _view(self, number: int, down: Edge | None) -> ServiceView:
        known = self.letters[:number].replace(NOBODY, NOT_MEASURED)
        first = max(0, number - KEPT_LETTERS)
        return ServiceView(
            service=self.service, client=self.client, platform=self.platform,
            letter=known[-1:] or NOT_MEASURED, down=down, minutes=Counter(known.upper()),
            settled=Minute(self.start + number - 1) if known else None,
            month=self._month(known) if known else None, counted=self.counted,
            recent=Strip(Minute(self.start + first), known[first:]),
        )  # fmt: skip

    def _month(self, known: str) -> Figures:
        overlay = NO_OVERLAY * len(known)
        return figures(
            Strip(self.start, known), overlay, (), CONTRACT, has_login=True,
            ahead=MONTH - len(known),
        )  # fmt: skip


def picture(
    views: Sequence[ServiceView],
    *,
    at: Instant,
    probes: Sequence[ProbeView] = (),
    times: int = 0,
    ill: bool = False,
) -> Snapshot:
    """Return a snapshot of *views*. *times* is how often looks were made; *ill* is all trouble."""
    histogram = HistogramData((10_000, 100_000), (times, times // 2, times // 9), times * 20_000)
    return Snapshot(
        at=at, vantage="local", started_at=Instant(0), software="0",
        services={view.service: view for view in views},
        probes={(view.service, view.probe): view for view in probes},
        schedule_lag=histogram, look_durations={"http": histogram, "login": histogram},
        loop_lag_us=1_000, bugs=times // 3 if ill else 0,
        store=StoreHealth(ok=not ill, backlog=7, lost_attempts=times // 4 if ill else 0),
        config=ConfigHealth(loaded_at=Instant(0), ok=not ill), references_failed=ill,
        clock_offset_us=3 * SECOND if ill else 1_000, healthy=not ill,
        followers=(
            FollowerView(name="influx", backlog=12, lag_us=(1200 if ill else 3) * SECOND),
        ),
        gather=_gathered(at) if ill else None,
        mail=_mailed(at) if ill else None,
        incidents=(_OPEN,) if ill else (),
    )  # fmt: skip


_OPEN = IncidentView(
    client="acme", service="acme-crm", reference="ACME-2026-0007", severity="critical",
    remaining_s={"restore": 600, "first_response": -60}, escalations_due=1,
)  # fmt: skip


def _mailed(at: Instant) -> MailView:
    return MailView(
        overdue={"acme": True, "globex": False},
        statuses={"held": 1, "waiting": 2, "sending": 0, "refused": 1, "uncertain": 1},
        waiting_since=Instant(at - 7_200 * SECOND),
        last_accepted=Instant(at - 86_400 * SECOND),
    )


def _gathered(at: Instant) -> GatherView:
    silent, late = Instant(at - 1_200 * SECOND), 3
    return GatherView(
        answered_at=at,
        vantages=(
            VantageView(name="lima", last_look=at, taken=60, doubled=True),
            VantageView(name="madrid", last_look=silent, taken=40, set_aside=late),
        ),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Probes:
    """A reach probe and a login probe of a service, which have looked *times* times."""

    of: Service
    times: int = 0
    expires: Instant | None = None
    refused: bool = False
    phases: Mapping[Phase, int] = field(
        default_factory=lambda: {Phase.CONNECT: 12_000, Phase.FIRST_BYTE: 80_000}
    )

    def views(self) -> tuple[ProbeView, ProbeView]:
        """Return both."""
        counts = {
            (str(Outcome.PASS), ""): self.times,
            (str(Outcome.FAIL), str(Cause.STATUS)): self.times // 2,
        }
        refusals = {(str(Outcome.REJECTED), str(Cause.LOGIN_REJECTED)): self.times // 2}
        front = ProbeView(
            service=self.of.service, client=self.of.client, probe="front", role="reach",
            kind="http", outcome=Outcome.PASS, phases=self.phases, counts=counts,
            certificate_expires=self.expires,
        )  # fmt: skip
        login = ProbeView(
            service=self.of.service, client=self.of.client, probe="login", role="login",
            kind="login", outcome=Outcome.REJECTED if self.refused else Outcome.PASS,
            rejected=self.refused, suspected=self.refused, phases=self.phases,
            counts={**counts, **refusals} if self.refused else counts,
        )  # fmt: skip
        return front, login
