"""All dashboards, and the files that they are written to: a folder for each data source."""

from pathlib import Path

from grafana.building import page
from grafana.building.influxdb import fleet as flux_fleet
from grafana.building.influxdb import monitor as flux_monitor
from grafana.building.influxdb import promise as flux_promise
from grafana.building.influxdb import service as flux_service
from grafana.building.prometheus.fleet import FLEET
from grafana.building.prometheus.monitor import THE_MONITOR
from grafana.building.prometheus.promise import PROMISE
from grafana.building.prometheus.service import SERVICE
from grafana.building.shapes import Dashboard

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "dashboards"
README = ROOT / "README.md"

DASHBOARDS = (
    FLEET, SERVICE, PROMISE, THE_MONITOR,
    flux_fleet.FLEET, flux_service.SERVICE, flux_promise.PROMISE, flux_monitor.THE_MONITOR,
)  # fmt: skip


def file_of(dashboard: Dashboard) -> Path:
    """Return where the dashboard is written."""
    return FOLDER / dashboard.dialect.kind / f"{dashboard.uid}.json"


def text_of(dashboard: Dashboard) -> str:
    """Return what is written there. Pages of one data source have links to each other."""
    others = [other for other in DASHBOARDS if other.dialect is dashboard.dialect]
    return page.rendered(dashboard, others)
