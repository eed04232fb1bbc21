"""Every script in Flux that the project has, as InfluxDB gets it."""

import re
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from datetime import date
from inspect import signature
from typing import Any

from tests.grafana.test_dashboards import PAGES, SOURCES
from tests.stores.following import HastyClock, Vault
from tests.stores.influx_double import ORG, influx_double
from uptimed.core.minutes import Minute
from uptimed.core.settings import Influx
from uptimed.core.targets import Secret, SecretPlace
from uptimed.stores.influx_reader import influx_reader, shared_looks
from uptimed.stores.influx_setup import task_flux

Json = dict[str, Any]

IN_FLUX = [uid for uid, kind in SOURCES.items() if kind == "influxdb"]

_ODD = Influx(
    url="http://127.0.0.1:9", org=ORG, bucket_looks='odd "looks" ${x}', bucket_letters="l\\etters"
)
_CHOSEN = {
    "client": "acme", "service": "acme-crm", "monitor": "local", "probe": "front",
    "letters": "uptimed_letters", "looks": "uptimed_looks", "target": "999600",
    "zone": "America/Bogota",
}  # fmt: skip
_GIVEN = {
    "v.timeRangeStart": "2026-10-31T22:00:00.123Z",
    "v.timeRangeStop": "2026-11-01T04:00:00Z",
    "v.windowPeriod": "1m0s",
}


def of_panels(page: Json) -> Iterator[tuple[str, Json, str]]:
    """Yield the name, the panel and the script of each question of a page, as they are written."""
    for panel in page["panels"]:
        for target in panel.get("targets", ()):
            yield f"{page['uid']}: {panel['title']} {target['refId']}", panel, target["query"]


def of_choices(page: Json) -> Iterator[tuple[str, str]]:
    """Yield the name and the script of each choice, and of the outages that are drawn over all."""
    for variable in page["templating"]["list"]:
        if variable["type"] == "query":
            yield f"{page['uid']}: choice of {variable['name']}", variable["query"]
    for annotation in page["annotations"]["list"]:
        yield f"{page['uid']}: {annotation['name']}", annotation["target"]["query"]


def of_dashboards() -> Mapping[str, str]:
    """Return all of them, as they are written."""
    found = {name: script for uid in IN_FLUX for name, _, script in of_panels(PAGES[uid])}
    return found | {name: script for uid in IN_FLUX for name, script in of_choices(PAGES[uid])}


def filled_in(
    script: str, *, given: Mapping[str, str] = _GIVEN, chosen: Mapping[str, str] = _CHOSEN
) -> str:
    """Return what Grafana makes of a script: in words of their own, and in patterns."""
    for name, value in given.items():
        script = script.replace(name, value)
    for name, value in (_CHOSEN | dict(chosen)).items():
        script = script.replace(f"${{{name}}}", value).replace(f"${{{name}:regex}}", value)
    assert "${" not in script, script
    return script


_ASKED_WITH: Mapping[str, object] = {
    "service": 'a-"b', "services": ("a-b", "c"), "client": "acme", "vantage": "o d=\\",
    "vantages": ("local", "madrid"), "start": Minute(0), "stop": Minute(2000),
    "first": date(2026, 10, 1), "last": date(2026, 10, 2), "every": 60,
}  # fmt: skip


async def _ask(read: Callable[..., Any]) -> None:
    """Ask for something with what its parameters are called for."""
    result = read(**{name: _ASKED_WITH[name] for name in signature(read).parameters})
    if isinstance(result, AsyncIterator):
        async for _ in result:
            pass
    else:
        await result


async def of_the_reader() -> Mapping[str, str]:
    """Return the first script of each thing that is read back from InfluxDB."""
    token = Secret(SecretPlace.ENV, "TOKEN")
    found = {}
    async with influx_double() as double:
        influx = Influx(url=double.url, org=ORG, token=token, bucket_looks='odd "looks"')
        for opened in (influx_reader, shared_looks):
            async with opened(
                influx, secrets=Vault(), clock=HastyClock(), software="0"
            ) as reader:  # fmt: skip
                for name in vars(type(reader)):
                    if not name.startswith("_"):
                        double.queries.clear()
                        await _ask(getattr(reader, name))
                        for number, script in enumerate(double.queries):
                            found[f"{opened.__name__}: {name} {number}"] = script
    return found


def of_the_task() -> Mapping[str, str]:
    """Return the task that sums up hours, for buckets with odd names."""
    return {"task": task_flux(_ODD)}


def spoken(script: str) -> tuple[set[str], set[str]]:
    """Return the measurements and fields that a script names."""
    measurements = set(re.findall(r'_measurement == "([^"]*)"', script))
    return measurements, set(re.findall(r'_field [!=]= "([^"]*)"', script))
