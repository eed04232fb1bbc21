"""Choices and queries in PromQL that several pages share."""

from grafana.building.colours import STATES
from grafana.building.shapes import Ask, Variable

CLIENTS = Variable(
    name="client", title="Client", query="label_values(uptimed_service_info, client)", many=True
)
SERVICES = Variable(
    name="service", title="Service", many=True,
    query='label_values(uptimed_service_info{client=~"$client"}, service)',
)  # fmt: skip
ONE_CLIENT = Variable(
    name="client", title="Client", query="label_values(uptimed_service_info, client)"
)
ONE_SERVICE = Variable(
    name="service", title="Service",
    query='label_values(uptimed_service_info{client="$client"}, service)',
)  # fmt: skip
PROBES = Variable(
    name="probe", title="Probe", many=True,
    query='label_values(uptimed_probe_attempts_total{client="$client",service="$service"}, probe)',
)  # fmt: skip
MONITORS = Variable(
    name="instance", title="Monitor", many=True,
    query="label_values(uptimed_start_timestamp_seconds, instance)",
)  # fmt: skip

MANY = 'client=~"$client",service=~"$service"'
ONE = 'client="$client",service="$service"'
PROBE = f'{ONE},probe=~"$probe"'
MONITOR = 'instance=~"$instance"'

TO_SERVICE = {
    "One service": "/d/uptimed-service?${datasource:queryparam}"
    "&var-client=${__field.labels.client}&var-service=${__field.labels.service}&${__url_time_range}"
}
TO_SERVICE_OF_ROW = {
    "One service": "/d/uptimed-service?${datasource:queryparam}"
    "&var-client=${__data.fields.Client}&var-service=${__data.fields.Service}&${__url_time_range}"
}


def state(labels: str) -> str:
    """Return the state of each service as a number: its place in `STATES`."""
    parts = [
        f'uptimed_service_state{{{labels},state="{state}"}} * {number}'
        for number, (state, _, _) in enumerate(STATES)
    ]
    return f"max by (client, service) ({' or '.join(parts)})"


def used(labels: str) -> str:
    """Return the share of the allowed minutes that is used."""
    return (
        f"max by (client, service) (uptimed_month_down_minutes{{{labels}}})"
        f" / min by (client, service) (uptimed_month_allowed_down_minutes{{{labels}}} > 0)"
    )


def left(labels: str) -> str:
    """Return how many of the allowed minutes are left."""
    return (
        f"min by (client, service) (uptimed_month_allowed_down_minutes{{{labels}}})"
        f" - max by (client, service) (uptimed_month_down_minutes{{{labels}}})"
    )


def of_service(metric: str, labels: str, how: str = "max") -> str:
    """Return a metric of each service, whichever monitors serve it."""
    return f"{how} by (client, service) ({metric}{{{labels}}})"


MONTH_TABLE = (
    Ask(expr=state(MANY), table=True),
    Ask(expr=of_service("uptimed_month_availability_ratio", MANY, "min"), table=True),
    Ask(expr=of_service("uptimed_month_target_ratio", MANY), table=True),
    Ask(expr=of_service("uptimed_month_down_minutes", MANY), table=True),
    Ask(expr=of_service("uptimed_month_allowed_down_minutes", MANY, "min"), table=True),
    Ask(expr=left(MANY), table=True),
    Ask(expr=of_service("uptimed_month_coverage_ratio", MANY, "min"), table=True),
)
MONTH_NAMES = {
    "client": "Client",
    "service": "Service",
    "Value #A": "Now",
    "Value #B": "Availability",
    "Value #C": "Target",
    "Value #D": "Down",
    "Value #E": "Allowed",
    "Value #F": "Left",
    "Value #G": "Coverage",
}
MONTH_UNITS = {
    "Availability": "percentunit",
    "Target": "percentunit",
    "Down": "m",
    "Allowed": "m",
    "Left": "m",
    "Coverage": "percentunit",
}


def quantile(share: float, metric: str, by: str = "") -> str:
    """Return what a share of a histogram's values lies within, lately."""
    labels = f"le, {by}" if by else "le"
    rate = f"rate({metric}_bucket{{{MONITOR}}}[$__rate_interval])"
    return f"histogram_quantile({share}, sum by ({labels}) ({rate}))"
