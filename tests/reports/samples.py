"""Statements made from letters, without a journal: what the tests of reports have in common."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from uptimed.core import overlays
from uptimed.core.corrections import Correction, LookNamed, Revised, corrected
from uptimed.core.exclusions import Answer, Exclusion
from uptimed.core.figures import figures
from uptimed.core.issues import Issue
from uptimed.core.minutes import Minute, instant_of, moment_of_minute, month_minutes, start_of
from uptimed.core.objections import Objection, Outcome
from uptimed.core.observations import Instant
from uptimed.core.outages import outages
from uptimed.core.statement import (
    ChainHead,
    Changed,
    CorrectionLine,
    EntriesHead,
    ExceptionLine,
    Gap,
    MaintenanceLine,
    OutageLine,
    Party,
    Period,
    ProbeLine,
    ResponseDay,
    ServiceStatement,
    Statement,
    TermsChange,
    VantageLine,
)
from uptimed.core.strip import NOT_MEASURED, Strip, runs_of
from uptimed.core.terms import (
    AgreementTerms,
    ContractTerms,
    Maintenance,
    ProbeTerms,
    Role,
    WatchTerms,
    canonical_json,
)

BOGOTA, MADRID, MOSCOW = "America/Bogota", "Europe/Madrid", "Europe/Moscow"


def contract(zone: str = BOGOTA, **changes: object) -> ContractTerms:
    """Return the terms of DataCRM, or of what *changes* make of them."""
    terms = ContractTerms(
        id="datacrm",
        version="2026-11-21",
        sha256="5f" * 32,
        zone_name=zone,
        zone=ZoneInfo(zone),
        language="es",
        target_ppm=999_600,
        target="99.96",
        source="000_3e592e4a62ec3b36.txt",
        name="DataCRM",
        house=(
            "timezone",
            "calendar.holidays",
            "min_coverage",
            "attempt_rule",
            "severities.incident.clocks.registration.calendar",
            "severities.incident.letters",
        ),
        canonical=canonical_json({"id": "datacrm", "availability": {"target": "99.96"}}),
    )
    return replace(terms, **changes)  # type: ignore[arg-type]  # keywords of the table of a test


def house_reference(zone: str = MADRID) -> ContractTerms:
    """Return terms without a promise."""
    return contract(
        zone, id="saleslayer", name="Sales Layer", promised=False, house=("target", "windows")
    )


def period(month: str, zone: str = BOGOTA, judged: int | None = None) -> Period:
    """Return a month, complete or with its first *judged* minutes judged."""
    year, number = int(month[:4]), int(month[5:])
    minutes = month_minutes(year, number, ZoneInfo(zone))
    return Period(
        month=month,
        zone_name=zone,
        zone=ZoneInfo(zone),
        start=Minute(minutes.start),
        stop=Minute(minutes.stop),
        judged=Minute(minutes.stop if judged is None else minutes.start + judged),
    )


def letters(span: Period, marks: Mapping[int, str]) -> str:
    """Return the judged minutes of *span*: up, but for the strings of *marks* laid in."""
    cells = ["U"] * (min(span.judged, span.stop) - span.start)
    for at, mark in marks.items():
        cells[at : at + len(mark)] = mark
    return "".join(cells)


PROBES = (
    ProbeTerms(id="front", role=Role.REACH, kind="http", slow_after_us=3_000_000),
    ProbeTerms(id="login", role=Role.LOGIN, kind="login", accounts=2),
)


def watch(service: str, probes: Sequence[ProbeTerms] = PROBES) -> WatchTerms:
    """Return how *service* is watched: each role by all of its probes, from two vantages."""
    roles = [probe.role for probe in probes]
    return WatchTerms(
        service=service,
        probes=tuple(probes),
        need={role: roles.count(role) for role in Role if role in roles},
        vantages=("bogota", "madrid"),
        min_vantages=2,
    )


def response_days(span: Period, base_us: int) -> tuple[ResponseDay, ...]:
    """Return response times that rise and fall, a line a local day."""
    first = moment_of_minute(span.start).astimezone(span.zone).date()
    last = moment_of_minute(Minute(min(span.judged, span.stop) - 1)).astimezone(span.zone).date()
    days = []
    for n in range((last - first).days + 1):
        median = base_us + (n * 7919 % 13) * base_us // 40
        days.append(
            ResponseDay(
                day=first + timedelta(days=n),
                looks=1440,
                median_us=median,
                p95_us=median * 2 + (n * 104729 % 17) * base_us // 20,
                max_us=median * 9,
            )
        )
    return tuple(days)


def service(
    span: Period,
    marks: Mapping[int, str],
    terms: ContractTerms,
    *,
    id: str = "acme-crm",
    name: str = "DataCRM",
    stage: str = "production",
    reasons: Sequence[tuple[str, str]] = (("status", "status 503, wanted 200"),),
    maintenance: Sequence[Maintenance] = (),
    gap: tuple[str, str] = ("gap", "nothing was looked at"),
    changes: Sequence[TermsChange] = (),
    probes: Sequence[ProbeTerms] = PROBES,
    since: Minute | None = None,
) -> ServiceStatement:
    """Return a service's month: *marks* are laid over minutes that are up."""
    strip = Strip(span.start, letters(span, marks))
    month = range(span.start, span.stop)
    over = overlays.overlay(
        terms,
        AgreementTerms(service=id, since=since, maintenance=tuple(maintenance)),
        month,
        strip.start,
        strip.stop,
    )
    found = outages(strip, over, down=terms.down, min_consecutive=terms.min_consecutive)
    has_login = any(probe.role is Role.LOGIN for probe in probes)
    return ServiceStatement(
        id=id,
        name=name,
        stage=stage,
        strip=strip,
        overlay=over,
        around=Strip(Minute(strip.start - 2), "UU" + strip.letters + "U"),
        figures=figures(
            strip, over, found, terms, has_login=has_login, ahead=span.stop - strip.stop
        ),
        outages=tuple(
            OutageLine(
                outage=outage,
                minutes=outage.minutes_in(month),
                minutes_total=len(outage.down),
                cause=reasons[n % len(reasons)][0],
                reason=reasons[n % len(reasons)][1],
            )
            for n, outage in enumerate(found)
        ),
        gaps=tuple(
            Gap(start=run.start, stop=run.stop, minutes=run.minutes, kind=gap[0], reason=gap[1])
            for run in runs_of(strip.start, strip.plain)
            if run.letter == NOT_MEASURED
        ),
        maintenance=tuple(
            MaintenanceLine(
                window=window,
                counted=over.count("M") if overlays.counts(terms, window) else 0,
                admitted=overlays.counts(terms, window),
                why_not=""
                if overlays.counts(terms, window)
                else "late_notice"
                if "maintenance" in terms.excludes
                else "not_excluded",
            )
            for window in maintenance
        ),
        probes=tuple(
            ProbeLine(
                id=probe.id,
                role=probe.role.value,
                kind=probe.kind,
                looks_at=f"https://crm.acme.example/{probe.id}",
                interval=probe.interval,
                days=response_days(span, 180_000 * (1 + n)) if strip.plain.count("U") else (),
                median_us=183_000 * (1 + n),
                p95_us=412_345 * (1 + n),
            )
            for n, probe in enumerate(probes)
        ),
        changes=tuple(changes),
        vantages=(
            VantageLine(name="bogota", minutes=strip.plain.count("U"), dissent=3),
            VantageLine(name="madrid", minutes=max(0, strip.plain.count("U") - 61), dissent=5),
        ),
        watch=watch(id, probes),
    )


def statement(
    span: Period,
    services: Sequence[ServiceStatement],
    terms: ContractTerms,
    **changes: object,
) -> Statement:
    """Return the month of a client with *services*."""
    last = moment_of_minute(Minute(min(span.judged, span.stop) - 1)).date()
    made = Statement(
        client=Party(id="acme", name="ACME S.A.S."),
        operator=Party(id="ops", name="Mirador Operaciones", contact="soporte@mirador.example"),
        language=terms.language,
        period=span,
        contract=terms,
        services=tuple(services),
        chain=tuple(
            ChainHead(
                service=s.id,
                head=f"{n + 10:02x}" * 32,
                first_day=moment_of_minute(span.start).date(),
                last_day=last,
            )
            for n, s in enumerate(services)
        ),
        revision=1,
        software="uptimed 0.1.0",
        as_of=Instant(start_of(min(span.judged, span.stop)) + 6 * 3600 * 1_000_000),
        references=2,
        agreed_since=Minute(span.start - 1440),
    )
    return replace(made, **changes)  # type: ignore[arg-type]  # keywords of the table of a test


def at(text: str) -> Instant:
    """Return the instant of an ISO-8601 text."""
    return instant_of(datetime.fromisoformat(text).astimezone(UTC))


def met_with_nothing_left(**changes: object) -> Statement:
    """Return the month of the example: 17 minutes allowed, 17 used."""
    terms, span = contract(), period("2026-10")
    crm = service(
        span,
        {
            3 * 1440 + 547: "D" * 11,
            13 * 1440 + 871: "L" * 5,
            20 * 1440 + 600: "D",
            8 * 1440 + 480: "G" * 42,
            24 * 1440 + 840: "G" * 7,
        },
        terms,
        reasons=(
            ("connect_timeout", "nothing within 10 s"),
            ("login_error", "status 500 after the form was sent, wanted a session"),
            ("status", "status 503, wanted 200"),
        ),
        maintenance=(
            Maintenance(
                start=at("2026-10-11T02:00:00-05:00"),
                end=at("2026-10-11T04:00:00-05:00"),
                announced=at("2026-10-05T09:00:00-05:00"),
                reason="upgrade to 8.1",
            ),
        ),
    )
    return statement(span, [crm], terms, **changes)


def breached(**changes: object) -> Statement:
    """Return a month with too many minutes down, in a zone whose clocks change."""
    terms = contract(MADRID, excludes=("maintenance",), maintenance_notice_us=86_400_000_000)
    span = period("2026-10", MADRID)
    crm = service(
        span,
        {
            1440: "D" * 95,
            9000: "L" * 33,
            9100: "DNND",
            34_000: "N" * 12,
            24 * 1440 + 200: "D" * 20,
            30_000: "u" * 50,
        },
        terms,
        maintenance=(
            Maintenance(
                start=at("2026-10-11T02:00:00+02:00"),
                end=at("2026-10-11T04:00:00+02:00"),
                announced=at("2026-10-05T09:00:00+02:00"),
                reason="upgrade to 8.1",
            ),
            Maintenance(
                start=at("2026-10-18T02:00:00+02:00"),
                end=at("2026-10-18T03:00:00+02:00"),
                announced=at("2026-10-17T20:00:00+02:00"),
                reason="emergency patch",
            ),
        ),
        changes=(
            TermsChange(
                since=Minute(span.start + 20_000),
                added=("export",),
                changed=(
                    Changed(probe="front", name="interval", was="1", now="5"),
                    Changed(
                        probe="front",
                        name="target",
                        was="https://crm.acme.example/",
                        now="https://crm.acme.example/front",
                    ),
                    Changed(probe="front", name="settings"),
                    Changed(probe="front", name="slow_after_us", was="None", now="3000000"),
                    Changed(name="need", was="login=1, reach=2", now="login=1, reach=1"),
                ),
            ),
        ),
    )
    return statement(span, [crm], terms, **changes)


def not_proven(**changes: object) -> Statement:
    """Return a month that what was not measured could turn."""
    terms, span = contract(), period("2026-10")
    crm = service(span, {5000: "D" * 8, 20_000: "N" * 10}, terms)
    return statement(span, [crm], terms, **changes)


def nothing_measured(**changes: object) -> Statement:
    """Return a month of which nothing is known."""
    terms, span = contract(), period("2026-09")
    crm = service(span, {0: "N" * 43_200}, terms)
    return statement(span, [crm], terms, chain=(), **changes)


def in_progress(**changes: object) -> Statement:
    """Return a month of which twelve days and some are judged."""
    terms, span = contract(), period("2026-10", judged=12 * 1440 + 615)
    crm = service(span, {5000: "D" * 6, 12_000: "N" * 4}, terms)
    return statement(span, [crm], terms, **changes)


def three_services(**changes: object) -> Statement:
    """Return a client with three services, one of each kind of result."""
    terms, span = contract(MOSCOW), period("2026-10", MOSCOW)
    return statement(
        span,
        [
            service(span, {3_000: "D" * 3}, terms, id="crm", name="DataCRM"),
            service(
                span,
                {8_000: "D" * 40, 8_100: "L" * 9},
                terms,
                id="shop",
                name="Tienda en línea de ACME Colombia",
            ),
            service(
                span, {8_000: "N" * 300}, terms, id="intranet", name="Интранет", stage="acceptance"
            ),
        ],
        terms,
        **changes,
    )


def below_the_house_reference(**changes: object) -> Statement:
    """Return a month under an agreement that promises no availability."""
    terms, span = house_reference(), period("2026-03", MADRID)
    pim = service(
        span,
        {700: "D" * 25, 9_000: "D" * 25, 20_000: "G" * 300},
        terms,
        id="pim",
        name="Sales Layer PIM",
        since=Minute(span.start + 3 * 1440),
    )
    return statement(span, [pim], terms, references=1, **changes)


def demonstration(**changes: object) -> Statement:
    """Return a made-up month. In English its first two pages are docs/pictures: pdftoppm -r 80."""
    return met_with_nothing_left(made_up=True, **changes)


def _told(at_text: str, **changes: object) -> Exclusion:
    made = Exclusion(
        id="E-1",
        service="acme-crm",
        start=at("2026-10-25T02:25:00+01:00"),
        end=at("2026-10-25T02:35:00+01:00"),
        reason="strike of the carrier, clause 9",
        by="Ana Ruiz",
        recorded=at(at_text),
        notified=at(at_text),
        noted=3,
        how="mail <7@mirador.example>",
        mail="",
        answer=Answer.OBJECTED,
        answered=at("2026-10-29T10:00:00+01:00"),
        answer_words="clause 9 does not cover it",
        withdrawn=None,
        taken_back=0,
    )
    return replace(made, **changes)  # type: ignore[arg-type]  # keywords of the table of a test


def revised(**changes: object) -> Statement:
    """Return a month with exceptions, two corrections and objections: revision 3."""
    before = breached()
    terms = replace(before.contract, excludes=("maintenance", "exceptions"))
    crm, span = before.services[0], before.period
    first = Minute(span.start + 1440)
    looks = (LookNamed(probe="login", vantage="madrid", at=start_of(Minute(span.start + 9000))),)
    corrections = tuple(
        Correction(
            id=f"C-{n}",
            service=crm.id,
            start=start,
            was=was,
            becomes=becomes,
            why=why,
            evidence=(evidence,) if evidence else (),
            looks=looks if becomes == "U" else (),
            objection="O-1" if n == 1 else "",
            revisions=(Revised(month=span.month, revision=n + 1, replaces=f"{n + 30:02d}" * 32),),
            by="Ana Ruiz",
            at=at(f"2026-11-0{n + 2}T09:30:00+01:00"),
            place=3 + n,
        )
        for n, (start, was, becomes, why, evidence) in enumerate(
            (
                (first, "D" * 12, "N" * 12, "our own uplink was cut", "ticket 4711 of the carrier"),
                (Minute(span.start + 9000), "L", "U", "somebody logged in from Madrid", ""),
            ),
            start=1,
        )
    )
    told = _told("2026-10-26T08:15:00+01:00")
    late = _told("2026-11-05T08:15:00+01:00", id="E-2", answer=Answer.NONE, answer_words="")

    def counted(n: int, excepted: Sequence[range]) -> ServiceStatement:
        strip, _ = corrected(crm.strip, corrections[:n])
        agreement = AgreementTerms(
            service=crm.id, maintenance=tuple(line.window for line in crm.maintenance)
        )
        month = range(span.start, span.stop)
        over = overlays.overlay(terms, agreement, month, strip.start, strip.stop, excepted)
        found = outages(strip, over, down=terms.down)
        return replace(
            crm,
            strip=strip,
            overlay=over,
            figures=figures(strip, over, found, terms, has_login=True),
            outages=tuple(
                replace(
                    line, outage=outage, minutes=len(outage.down), minutes_total=len(outage.down)
                )
                for line, outage in zip(crm.outages, found, strict=False)
            ),
        )

    excepted = (told.minutes,)
    steps = [counted(n, excepted).figures for n in range(3)]
    amended = replace(
        counted(2, excepted),
        recorded=crm.strip,
        original=steps[0],
        without_exceptions=counted(2, ()).figures,
        exceptions=(
            ExceptionLine(exclusion=told, counted=10, why_not=""),
            ExceptionLine(exclusion=late, counted=0, why_not="late_notice"),
        ),
        corrections=tuple(
            CorrectionLine(
                correction=one, revised=one.revisions[0], before=steps[n], after=steps[n + 1]
            )
            for n, one in enumerate(corrections)
        ),
        objections=tuple(
            Objection(
                id=f"O-{n}",
                service=crm.id,
                start=first,
                stop=Minute(first + 12),
                why="your monitor was cut off, not our system",
                contact="Luis Gil",
                by="Ana Ruiz",
                recorded=at("2026-11-02T16:00:00+01:00"),
                received=at("2026-11-02T15:00:00+01:00"),
                due=at("2026-11-09T15:00:00+01:00"),
                outcome=Outcome.ACCEPTED if n == 1 else None,
                answered=at("2026-11-03T09:31:00+01:00") if n == 1 else None,
                answered_by="Ana Ruiz" if n == 1 else "",
                answer="the carrier confirms it" if n == 1 else "",
                corrections=("C-1",) if n == 1 else (),
            )
            for n in (1, 2)
        ),
    )
    made = statement(
        span,
        [amended],
        terms,
        revision=3,
        replaces="32" * 32,
        earlier=(
            Issue(
                month=span.month,
                revision=1,
                sha256="31" * 32,
                at=at("2026-11-01T12:00:00+01:00"),
                by="uptimed report",
                place=3,
            ),
        ),
        entries=EntriesHead(count=9, head="e5" * 32, records=('{"v":1}',)),
    )
    return replace(made, **changes)  # type: ignore[arg-type]  # keywords of the table of a test


def small(language: str = "en") -> Statement:
    """Return the month of the golden files: short tables, every section."""
    return revised(language=language)


def ten_services(**changes: object) -> Statement:
    """Return a client with ten services, each with a realistic month."""
    terms, span = contract(), period("2026-10")
    return statement(
        span,
        [
            service(
                span,
                {
                    n * 977 + 300: "D" * (n % 4 + 1),
                    9_000 + n * 31: "L" * 3,
                    30_000: "N" * (n % 3),
                    **{k * 2_111 + n * 13: "G" * (1 + k % 4) for k in range(20)},
                },
                terms,
                id=f"service-{n}",
                name=f"Service {n}",
            )
            for n in range(10)
        ],
        terms,
        **changes,
    )


def flapping(**changes: object) -> Statement:
    """Return a month with thousands of outages."""
    terms, span = contract(), period("2026-10")
    crm = service(span, {n * 10: "DGN"[n % 3] * (1 + n % 3) for n in range(4000)}, terms)
    return statement(span, [crm], terms, **changes)


SAMPLES = {
    "met": met_with_nothing_left,
    "breached": breached,
    "revised": revised,
    "not-proven": not_proven,
    "nothing-measured": nothing_measured,
    "in-progress": in_progress,
    "three-services": three_services,
    "house-reference": below_the_house_reference,
    "demonstration": demonstration,
    "ten-services": ten_services,
    "flapping": flapping,
}
