"""What the probes of a service saw: attempts, phases, failures, accounts, certificates."""

from grafana.building.colours import GREEN, GREY, ORANGE, RED
from grafana.building.influxdb.asking import BY_TIME, LOOSE, PROBE, looks, piped, windows, within
from grafana.building.shapes import Ask, Panel, Row

_OUTCOMES = {1: ("pass", GREEN), 0: ("fail", RED), 2: ("not measured or refused", GREY)}

_LOOKS = piped(
    looks(PROBE, "passed", "failed"),
    'group(columns: ["probe", "vantage", "_field"])',
    windows("max"),
    BY_TIME,
    "map(fn: (r) => ({_time: r._time, probe: r.probe, vantage: r.vantage,"
    " _value: if r.failed == 1 then 0 else if r.passed == 1 then 1 else 2}))",
)

_PHASES = piped(
    looks(PROBE, "dns_us", "connect_us", "tls_us", "first_byte_us", "transfer_us"),
    'group(columns: ["probe", "vantage", "_field"])',
    windows("mean"),
)


def _took(share: str) -> str:
    grouped = piped(looks(PROBE, "took_us"), 'group(columns: ["probe", "vantage"])')
    return within(grouped, share=share)


_OUTCOMES_SEEN = piped(
    looks(PROBE, "outcome"),
    "map(fn: (r) => ({_time: r._time, probe: r.probe, outcome: r._value, _value: r._value}))",
    'group(columns: ["probe", "outcome"])',
    windows("count"),
)

_FAILED = piped(
    looks(PROBE, "failed", "outcome", "cause", "detail", "status", "took_us"),
    BY_TIME,
    "filter(fn: (r) => r.failed == 1)",
    LOOSE,
    'sort(columns: ["_time"], desc: true)',
    "limit(n: 100)",
    'keep(columns: ["_time", "probe", "vantage", "cause", "detail", "status", "took_us"])',
    'rename(columns: {_time: "at"})',
)

_EXPIRES = piped(
    looks(PROBE, "certificate_expires_us", since="-7d", until="now()"),
    "last()",
    'group(columns: ["probe"])',
    "min()",
    "map(fn: (r) => ({_time: now(), probe: r.probe,"
    " _value: r._value / 1000000 - int(v: now()) / 1000000000}))",
)

_ACCOUNTS = piped(
    looks(f'{PROBE} and r.role == "login"', "outcome", since="-1d", until="now()"),
    "last()",
    LOOSE,
    'keep(columns: ["probe", "account", "vantage", "_value", "_time"])',
    'rename(columns: {_time: "at", _value: "outcome"})',
    'sort(columns: ["probe", "account", "vantage"])',
)

PANELS = (
    Row(title="Probes"),
    Panel(
        title="Looks", kind="state-timeline", width=24, height=6, words=_OUTCOMES, every="1m",
        about="Whether each probe's attempts passed; one that failed shows before one that passed"
        " in the same minute.",
        asks=[Ask(expr=_LOOKS,
                  legend="${__field.labels.probe} from ${__field.labels.vantage}")],
    ),
    Panel(
        title="Phases of response time", kind="timeseries", width=12, unit="µs", low=0,
        stacked=True, every="1m",
        about="Where the time goes: name, connection, TLS, first byte, transfer. The sum of each"
        " probe's is its response time.",
        asks=[Ask(expr=_PHASES,
                  legend="${__field.labels.probe} ${__field.name}"
                  " from ${__field.labels.vantage}")],
    ),
    Panel(
        title="Response time", kind="timeseries", width=12, unit="µs", low=0, every="5m",
        about="How long attempts took: half of them, and 95 of a hundred.",
        asks=[
            Ask(expr=_took(share), legend="${__field.labels.probe} from"
                f" ${{__field.labels.vantage}}, {told}")
            for share, told in (("0.5", "half within"), ("0.95", "95 % within"))
        ],
    ),
    Panel(
        title="Attempts by outcome", kind="timeseries", width=12, unit="short", low=0,
        stacked=True, bars=True, every="1m",
        about="Attempts by outcome. Attempts that fail in minutes that are up were not confirmed.",
        asks=[Ask(expr=_OUTCOMES_SEEN,
                  legend="${__field.labels.probe} ${__field.labels.outcome}")],
    ),
    Panel(
        title="Attempts that failed", kind="table", width=12,
        about="The last hundred attempts of the range that failed, and why.",
        names={"at": "At", "probe": "Probe", "vantage": "From", "cause": "Cause",
               "detail": "Detail", "status": "Status", "took_us": "Took"},
        units={"At": "dateTimeAsIso", "Took": "µs"},
        asks=[Ask(expr=_FAILED)],
    ),
    Panel(
        title="Certificate expires in", kind="stat", width=8, height=6, unit="s",
        steps=((None, RED), (604_800.0, ORANGE), (1_209_600.0, GREEN)),
        about="How long the certificate that each probe was shown last is still valid.",
        asks=[Ask(expr=_EXPIRES, legend="${__field.labels.probe}")],
    ),
    Panel(
        title="Accounts", kind="table", width=16, height=6,
        about="The outcome of each account's last attempt within a day. Rejected or blocked is"
        " the account's own trouble and no downtime.",
        names={"probe": "Probe", "account": "Account", "vantage": "From", "outcome": "Outcome",
               "at": "At"},
        units={"At": "dateTimeAsIso"},
        asks=[Ask(expr=_ACCOUNTS)],
    ),
)  # fmt: skip
