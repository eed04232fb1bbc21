"""Makes the cases for `promtool test rules` from letters.

    python -m tests.grafana.ruletests

writes grafana/prometheus/tests/*.yml. Each series is what the metrics page really shows after each
minute of the story. Below the letters stands who fires once that minute is settled (`x`); an alert
that is not drawn never fires. `-` is a minute in which the monitor does not run.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path

from tests.grafana.pictures import Service, drawn, picture
from uptimed.core.observations import Instant
from uptimed.metrics import metrics_of

FOLDER = Path(__file__).parents[2] / "grafana" / "prometheus" / "tests"
RULES = FOLDER.parent / "rules"
EVERY_MINUTE_UP_TO = 90
"""Longer stories are asked where something changes, and the minute before."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A story and who fires in it.

    *before* are letters that are on record when Prometheus begins to ask.
    *drawings* are further series, or take the place of those of the page: a digit a minute, times
    a factor. *annotations* are whole texts: minute -> alert -> what is told.
    """

    name: str
    letters: str
    before: str = ""
    fires: Mapping[str, str] = field(default_factory=dict)
    drawings: Mapping[str, tuple[str, float]] = field(default_factory=dict)
    platform: str = ""
    counted: str = "DL"
    told: Sequence["Told"] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What is told of the service by an alert that fires after minute *at*, word for word."""

    at: int
    alert: str
    labels: Mapping[str, str]
    says: Mapping[str, str]


_OF_MONITOR = 'instance="127.0.0.1:9464",job="uptimed"'
_OF_FRONT = f'client="acme",{_OF_MONITOR},probe="front",service="acme-crm",vantage="local"'
_OF_LOGIN = f'client="acme",{_OF_MONITOR},probe="login",service="acme-crm",vantage="local"'
_DOWN = {"class": "system_down", "kind": "outage", "severity": "page", "team": "client"}
_UNREACHABLE = (
    "Users cannot reach the system: two of the last three minutes or more were down. "
    "What was seen: uptimed status --service acme-crm."
)
_BUDGET = "{} of 17 minutes of the month used, {} left"

_LATELY = "000 111 222 333 444 555 666 777 8"

CASES: Mapping[str, tuple[Case, ...]] = {
    "outages": (
        Case(
            name="two of three minutes are an outage, and one up minute between is no recovery",
            letters="UUUUDUUUUDDUDUUUU",
            fires={
                "UptimedSystemDown": "..........xxx....",
                "UptimedOutageLately": "..........xxxxxxx",
                "UptimedDrift": "............xxxxx",
                "UptimedFastBurn": "............xxxxx",
            },
            told=[
                Told(
                    at=11,
                    alert="UptimedSystemDown",
                    labels=_DOWN,
                    says={
                        "summary": "acme-crm of acme: system down",
                        "since": "1970-01-01 00:09:00 +0000 UTC",
                        "description": _UNREACHABLE,
                        "recent": "minutes down: 3 in 60 minutes, 3 in 24 hours, 3 in 3 days",
                        "budget": _BUDGET.format(3, 14),
                    },
                ),
            ],
        ),
        Case(
            name="a login failure keeps its name when the system goes down as well",
            letters="UULLDDUUU",
            fires={
                "UptimedLoginFailure": "...xxxx..",
                "UptimedOutageLately": "...xxxxxx",
                "UptimedDrift": ".....xxxx",
                "UptimedFastBurn": ".....xxxx",
            },
            platform="eu-cluster-2",
        ),
        Case(
            name="degraded minutes are no outage where the contract does not count them",
            letters="UUGGGGGGUU",
        ),
        Case(
            name="degraded minutes are an outage where it does",
            letters="UUGGUUU",
            counted="DLG",
            fires={"UptimedDegraded": "...xx..", "UptimedOutageLately": "...xxxx"},
        ),
        Case(
            name="minutes that were not measured neither end an outage nor begin one",
            letters="UDNNNDUUU",
            fires={},
        ),
        Case(
            name="a restart of the monitor ends nothing",
            letters="UUDDD----DDUU",
            fires={
                "UptimedSystemDown": "...xxxxxxxxx.",
                "UptimedOutageLately": "...xxxxxxxxxx",
                "UptimedFastBurn": ".........xxxx",
                "UptimedDrift": ".........xxxx",
                "UptimedDown": ".......xx....",
                "UptimedAbsent": "........x....",
            },
            told=[
                Told(
                    at=8,
                    alert="UptimedSystemDown",
                    labels=_DOWN,
                    says={
                        "summary": "acme-crm of acme: system down",
                        "since": "1970-01-01 00:02:00 +0000 UTC",
                        "description": _UNREACHABLE,
                        "recent": "minutes down: 3 in 60 minutes, 3 in 24 hours, 3 in 3 days",
                        "budget": _BUDGET.format(3, 14),
                    },
                )
            ],
        ),
        Case(
            name="of a monitor that stays away the last word holds for a quarter of an hour",
            letters="UUDD -*20",
            fires={
                "UptimedSystemDown": "...xx*15 .*5",
                "UptimedOutageLately": "...xx*20",
                "UptimedDown": ".*6 x*18",
                "UptimedAbsent": ".*7 x*17",
            },
        ),
        Case(
            name="one refused account is suspected, more are none the less a ticket",
            letters="UUUUUUU U*20",
            drawings={
                f"uptimed_login_suspected{{{_OF_LOGIN}}}": ("0 0001000 0*20", 1),
                f"uptimed_login_rejected{{{_OF_LOGIN}}}": ("0 0001111 1*20", 1),
            },
            fires={
                "UptimedLoginSuspected": "...xxxx x*12 .*8",
                "UptimedAccountRefused": "...xxxx x*20",
            },
        ),
    ),
    "burn": (
        Case(
            name="four in an hour, the last within five minutes",
            letters="DUUU DUUU DUUU DUUU UUUU",
            fires={
                "UptimedFastBurn": "............xxxxx...",
                "UptimedDrift": "............xxxxxxxx",
            },
            told=[
                Told(
                    at=13,
                    alert="UptimedFastBurn",
                    labels={"kind": "burn", "severity": "page", "team": "client", "window": "60m"},
                    says={
                        "summary": "acme-crm of acme: 4 of the last 60 minutes down",
                        "description": "It comes and goes, and the last five minutes had some "
                        "of it.",
                        "budget": _BUDGET.format(4, 13),
                    },
                ),
            ],
        ),
        Case(
            name="the fourth an hour after the first is none",
            before="D U*19 D U*19",
            letters="D U*19 D U*9",
            fires={"UptimedDrift": ".*20 x*10"},
        ),
        Case(
            name="six in a day, the last within two hours",
            before="D U*199 D U*199 D U*199 D U*199 D U*190",
            letters="U*9 D U*130",
            fires={"UptimedSlowBurn": ".*9 x*120 .*11", "UptimedDrift": "x*140"},
        ),
        Case(
            name="six in more than a day are a drift",
            before="D U*299 D U*299 D U*299 D U*299 D U*299",
            letters="D U*400",
            fires={"UptimedDrift": "x*360 .*41"},
        ),
        Case(
            name="four in three days, the last within six hours",
            before="D U*1439 D U*1439 D U*1430",
            letters="U*8 D UUU",
            fires={"UptimedDrift": ".*8 x ..."},
        ),
        Case(
            name="four in three days and a minute are no drift",
            before="D U*1439 D U*1439 D U*1430",
            letters="U*9 D U*10",
        ),
    ),
    "month": (
        Case(
            name="half, three quarters, all of 17 minutes, one more",
            letters="U*5 DDDDDDDD D DDDD DDDD D DD U*7",
            fires={
                "UptimedSystemDown": ".*6 x*20 .*6",
                "UptimedOutageLately": "...... x*26",
                "UptimedFastBurn": ".*8 x*17 xxxx...",
                "UptimedSlowBurn": ".*10 x*22",
                "UptimedDrift": ".*8 x*24",
                "UptimedMonthHalfUsed": ".*13 x*19",
                "UptimedMonthThreeQuartersUsed": ".*17 x*15",
                "UptimedMonthAllUsed": ".*21 x*11",
                "UptimedMonthBroken": ".*22 x*10",
            },
            told=[
                Told(
                    at=22,
                    alert="UptimedMonthAllUsed",
                    labels={"kind": "month", "severity": "page", "team": "client"},
                    says={
                        "summary": "acme-crm of acme: all of the month's minutes used",
                        "description": "17 minutes were down this month. One more breaks the "
                        "promise, or did.",
                        "budget": _BUDGET.format(17, 0),
                    },
                ),
                Told(
                    at=23,
                    alert="UptimedMonthBroken",
                    labels={"kind": "month", "severity": "notice", "team": "agreement"},
                    says={
                        "summary": "acme-crm of acme: below the target this month, so far",
                        "description": "18 minutes were down this month, more than are allowed.",
                        "budget": _BUDGET.format(18, -1),
                    },
                ),
            ],
        ),
        Case(
            name="no minute down is no half of nothing",
            letters="U*30",
        ),
    ),
    "blind": (
        Case(
            name="five of the last ten minutes were not measured",
            letters="U*10 N U N U N U N U NN U*8",
            fires={"UptimedMonitorBlind": ".*18 xxxx .*6"},
            told=[
                Told(
                    at=19,
                    alert="UptimedMonitorBlind",
                    labels={"kind": "blind", "severity": "page", "team": "owner", "window": "10m"},
                    says={
                        "summary": "acme-crm of acme: 5 of the last 10 minutes were not measured",
                        "description": "We do not know how it is, by a fault of ours. An "
                        "outage now would not be seen.",
                    },
                ),
            ],
        ),
        Case(
            name="a month that can no longer be proven",
            letters="U*10 D N UUUU N*15 UU N U*9",
            fires={
                "UptimedMonitorBlind": ".*19 x*18 .*6",
                "UptimedMonthUnproven": ".*33 x*10",
            },
        ),
    ),
    "monitor": (
        Case(
            name="the journal cannot be written",
            letters="U*12",
            drawings={
                f"uptimed_store_up{{{_OF_MONITOR}}}": ("1 111 00000 1111", 1),
                f"uptimed_healthy{{{_OF_MONITOR}}}": ("1 111 00000 1111", 1),
                f"uptimed_store_lost_attempts_total{{{_OF_MONITOR}}}": ("0 00000 1*7", 1),
            },
            fires={
                "UptimedStoreFailing": ".... xxxx ....",
                "UptimedUnwell": ".... . xxx ....",
                "UptimedStoreLost": "..... x*7",
            },
        ),
        Case(
            name="no letters for five minutes",
            letters="U*12",
            drawings={
                "uptimed_service_last_settled_timestamp_seconds"
                f'{{client="acme",{_OF_MONITOR},service="acme-crm"}}': (
                    "0 0 1 2 3 4 4 4 4 4 4 4 9",
                    60.0,
                ),
            },
            fires={"UptimedNotSettling": ".*9 xx ."},
        ),
        Case(
            name="references, clock, configuration, bugs, followers",
            letters="U*20",
            drawings={
                f"uptimed_references_failed{{{_OF_MONITOR}}}": ("0 0 1111 0*15", 1),
                f"uptimed_clock_offset_seconds{{{_OF_MONITOR}}}": ("1 1*5 3*9 1*6", 1),
                f"uptimed_config_last_reload_successful{{{_OF_MONITOR}}}": ("1 111 00 1*15", 1),
                f"uptimed_bugs_total{{{_OF_MONITOR}}}": ("0 0*9 1*11", 1),
                f'uptimed_follower_lag_seconds{{follower="influx",{_OF_MONITOR}}}': (
                    "0 0000 5*7 9*8 0",
                    200.0,
                ),
            },
            fires={
                "UptimedReferencesFailed": "... xx .*15",
                "UptimedClockOff": ".*10 xxxx .*6",
                "UptimedConfigRefused": "... xx .*15",
                "UptimedBug": ".*9 x*11",
                "UptimedFollowerLagging": ".*9 x*10 .",
            },
        ),
        Case(
            name="a vantage that is silent",
            letters="U*24",
            drawings={
                f'uptimed_vantage_last_look_timestamp_seconds{{{_OF_MONITOR},vantage="madrid"}}': (
                    "0 1 2 3 4 4*20",
                    60.0,
                ),
                f'uptimed_vantage_last_look_timestamp_seconds{{{_OF_MONITOR},vantage="lima"}}': (
                    _LATELY,
                    180.0,
                ),
                f"uptimed_gather_last_success_timestamp_seconds{{{_OF_MONITOR}}}": (
                    _LATELY,
                    180.0,
                ),
            },
            fires={"UptimedVantageSilent": ".*19 x*5"},
        ),
        Case(
            name="no vantage is silent while nothing can be read",
            letters="U*24",
            drawings={
                f'uptimed_vantage_last_look_timestamp_seconds{{{_OF_MONITOR},vantage="madrid"}}': (
                    "0*25",
                    1,
                ),
                f"uptimed_gather_last_success_timestamp_seconds{{{_OF_MONITOR}}}": ("0*25", 1),
            },
            fires={"UptimedGatheringStuck": ".*20 x*4"},
        ),
        Case(
            name="two monitors of one name",
            letters="U*6",
            drawings={
                f'uptimed_vantage_doubled{{{_OF_MONITOR},vantage="madrid"}}': ("0 00 11 00", 1),
            },
            fires={"UptimedVantageDoubled": ".. xx .."},
        ),
        Case(
            name="a report that is overdue, a mail that waits, and one that failed",
            letters="U*75",
            drawings={
                f'uptimed_report_overdue{{client="acme",{_OF_MONITOR}}}': ("0 000 1*9 0*63", 1),
                f'uptimed_outbox_recipients{{{_OF_MONITOR},status="refused"}}': (
                    "0 000 1*9 0*63",
                    1,
                ),
                f"uptimed_outbox_oldest_waiting_timestamp_seconds{{{_OF_MONITOR}}}": ("0*76", 1),
            },
            fires={
                "UptimedReportOverdue": ".*3 x*9 .*63",
                "UptimedMailFailed": ".*3 x*9 .*63",
                "UptimedMailStuck": ".*60 x*15",
            },
        ),
        Case(
            name="a certificate that expires in less than fourteen days",
            letters="U*5",
            drawings={
                f"uptimed_probe_certificate_expiry_timestamp_seconds{{{_OF_FRONT}}}": (
                    "222 111",
                    1_209_599,
                ),
            },
            fires={"UptimedCertificateExpires": "..xxx"},
        ),
    ),
    "clocks": (
        Case(
            name="a clock that runs out pages before, and is a ticket afterwards",
            letters="U*10",
            drawings={
                "uptimed_incident_clock_remaining_seconds"
                f'{{client="acme",clock="restore",{_OF_MONITOR},service="acme-crm"}}': (
                    "9 6543 21 00 99",
                    300.0,
                ),
                "uptimed_incident_clocks_missed"
                f'{{client="acme",clock="restore",{_OF_MONITOR},service="acme-crm"}}': (
                    "0 0000 00 11 00",
                    1,
                ),
            },
            fires={
                "UptimedClockDue": "... xxx ....",
                "UptimedClockMissed": "...... xx ..",
            },
        ),
        Case(
            name="a clock outside support hours stands still and pages nobody",
            letters="U*10",
            drawings={
                "uptimed_incident_clock_remaining_seconds"
                f'{{client="acme",clock="resolution",{_OF_MONITOR},service="acme-crm"}}': (
                    "4*11",
                    300.0,
                ),
            },
        ),
        Case(
            name="a level that is reached and not recorded",
            letters="U*6",
            drawings={
                "uptimed_incident_escalations_due"
                f'{{client="acme",{_OF_MONITOR},service="acme-crm"}}': ("0 0012 00", 1),
            },
            fires={"UptimedEscalationDue": ".. xx .."},
        ),
    ),
}


def rules() -> str:
    """Return the text of all rules; what is used comes first."""
    names = ("recording.yml", "alerts.yml")
    return "".join((RULES / name).read_text(encoding="utf-8") for name in names)


def groups() -> list[str]:
    """Return the groups of the rules, in order."""
    return re.findall(r"^  - name: (\S+)$", rules(), re.MULTILINE)


def text_of(cases: tuple[Case, ...]) -> str:
    """Return a file of cases."""
    lines = [
        "# Made by tests/grafana/ruletests.py from letters; not for changing by hand.",
        "rule_files: [../rules/recording.yml, ../rules/alerts.yml]",
        "evaluation_interval: 1m",
        f"group_eval_order: [{', '.join(groups())}]",
        "tests:",
    ]
    for case in cases:
        lines += _case(case)
    return "\n".join(lines) + "\n"


def _case(case: Case) -> Iterator[str]:
    yield ""
    for who, row in (("before", case.before), ("letters", case.letters), *case.fires.items()):
        if row:
            yield f"  # {who:30} {row}"
    yield f"  - name: {case.name}"
    yield "    interval: 1m"
    yield "    input_series:"
    for series, values in sorted(_series(case).items()):
        yield f"      - series: {series!r}"
        yield f"        values: {values!r}"
    yield "    promql_expr_test:"
    for at, firing in _asked(case):
        yield '      - expr: count by (alertname) (ALERTS{alertstate="firing"}) > bool 0'
        yield f"        eval_time: {at}m"
        samples = [f"""{{labels: '{{alertname="{name}"}}', value: 1}}""" for name in firing]
        yield f"        exp_samples: [{', '.join(samples)}]"
    if case.told:
        yield "    alert_rule_test:"
    for told in case.told:
        same = {"client": "acme", "platform": "acme-crm", "service": "acme-crm"}
        labels = ", ".join(f"{k}: {v}" for k, v in sorted({**same, **told.labels}.items()))
        yield f"      - eval_time: {told.at}m"
        yield f"        alertname: {told.alert}"
        yield "        exp_alerts:"
        yield f"          - exp_labels: {{{labels}}}"
        yield "            exp_annotations:"
        for key, text in told.says.items():
            yield f'              {key}: "{text}"'
        yield f"              runbook_url: docs/alerting.md#{told.alert.lower()}"


def _asked(case: Case) -> Iterator[tuple[int, list[str]]]:
    """Yield minutes and who fires then."""
    letters = drawn(case.letters)
    rows = {name: drawn(row) for name, row in sorted(case.fires.items())}
    for name, row in rows.items():
        assert len(row) == len(letters), f"{case.name}: {name}: {len(row)} for {len(letters)}"
    firing = [[n for n, row in rows.items() if row[i] == "x"] for i in range(len(letters))]
    last = len(firing) - 1
    for index, names in enumerate(firing):
        changes = index < last and firing[index + 1] != names
        changed = index > 0 and firing[index - 1] != names
        if len(firing) <= EVERY_MINUTE_UP_TO or changes or changed or index == last:
            yield index + 1, names


def _series(case: Case) -> Mapping[str, str]:
    """Return the series of the story, in the notation of promtool."""
    letters = drawn(case.letters)
    known, used = drawn(case.before), set(re.findall(r"\buptimed_\w+", rules()))
    told = Service(letters=known + letters, platform=case.platform, counted=case.counted)
    columns: dict[str, dict[int, float]] = {f"up{{{_OF_MONITOR}}}": {}}
    for at, view in enumerate(told.views(begin=len(known))):
        columns[f"up{{{_OF_MONITOR}}}"][at] = view is not None
        if view is None:
            continue
        for metric in metrics_of(picture([view], at=Instant(0))):
            for sample in metric.samples:
                if sample.name in used:
                    labels = {**sample.labels, "instance": "127.0.0.1:9464", "job": "uptimed"}
                    inside = ",".join(f'{k}="{v}"' for k, v in sorted(labels.items()) if v)
                    columns.setdefault(f"{sample.name}{{{inside}}}", {})[at] = sample.value
    for series, (row, factor) in case.drawings.items():
        columns[series] = {at: int(digit) * factor for at, digit in enumerate(drawn(row))}
        assert len(columns[series]) == len(letters) + 1, f"{case.name}: {series}"
    return {name: _notation(column, len(letters) + 1) for name, column in columns.items()}


def _notation(column: Mapping[int, float], length: int) -> str:
    """Return values as promtool reads them; a series that ends gets a stale marker."""
    cells: list[str] = []
    for at in range(length):
        if at in column:
            cells.append(f"{column[at]:.15g}")
        else:
            cells.append("stale" if at - 1 in column else "_")
    return " ".join(_repeated(cell, sum(1 for _ in run)) for cell, run in groupby(cells))


def _repeated(cell: str, times: int) -> str:
    if times == 1 or cell == "stale":
        return cell
    return f"_x{times}" if cell == "_" else f"{cell}+0x{times - 1}"


def write() -> None:
    """Write all files anew."""
    for name, cases in CASES.items():
        (FOLDER / f"{name}.yml").write_text(text_of(cases), encoding="utf-8")


if __name__ == "__main__":
    write()
