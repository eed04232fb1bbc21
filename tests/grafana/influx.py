"""A real InfluxDB 2 with every kind of trouble in it, where there is one at hand.

When there is, `tests.stores.influx_elsewhere` says.
"""

import csv
import io
import json
import re
import urllib.error
import urllib.request
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.grafana.pictures import drawn
from tests.stores.influx_elsewhere import real
from tests.stores.making import attempt
from uptimed.core.minutes import MINUTE, Minute, start_of
from uptimed.core.observations import SECOND, Attempt, Evidence, Instant, Outcome, Phase
from uptimed.core.strip import Strip
from uptimed.ports import BlindMinute
from uptimed.stores import influx_points as points
from uptimed.stores import influx_records as records

SERVICE = "acme-crm"
"""The service that has most of the trouble, and the probes."""

_PLACES = ("local", "madrid")
_LETTERS = {
    (SERVICE, "local"): "U*3000 G L*4 D*6 UU N*20 U*1240 u*40 DDDD",
    (SERVICE, "madrid"): "U*3000 G L*4 D*6 UU N*20 U*1240 u*40 DDDU",
    ("acme-shop", "local"): "U*500 LL U*3800",
    ("acme-mail", "local"): "N*300",
}


@dataclass(frozen=True, kw_only=True)
class Table:
    """What a script yields: the type of each column, and rows by column."""

    types: Mapping[str, str]
    rows: tuple[Mapping[str, str], ...]


class Influx:
    """An InfluxDB 2 that runs, with buckets for looks and letters."""

    def __init__(self, url: str, org: str, token: str, suffix: str) -> None:
        self._url, self._org, self._token = url, org, token
        self.looks, self.letters = f"looks{suffix}", f"letters{suffix}"

    def make_buckets(self) -> None:
        """Make both."""
        (org,) = (
            one for one in self._call("orgs")["orgs"] if self._org in {one["name"], one["id"]}
        )
        for name in (self.looks, self.letters):
            self._call("buckets", {"orgID": org["id"], "name": name, "retentionRules": []})

    def write(self, bucket: str, lines: Iterable[str]) -> None:
        """Write points in the line protocol."""
        page = f"write?org={self._org}&bucket={bucket}&precision=ns"
        self._call(page, "\n".join(lines).encode())

    def query(self, script: str) -> list[Table]:
        """Return what a script yields; what the server refuses fails."""
        wanted = {"header": True, "annotations": ["datatype"]}
        answer = self._call(f"query?org={self._org}", {"query": script, "dialect": wanted})
        return [_table(block) for block in re.split(r"(?:\r?\n){2,}", answer) if block.strip()]

    def _call(self, page: str, body: object = None) -> Any:
        sent = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        headers = {"Authorization": f"Token {self._token}", "Content-Type": "application/json"}
        request = urllib.request.Request(  # noqa: S310 - loopback, or whom the tester named
            f"{self._url}/api/v2/{page}", data=sent, headers=headers
        )
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310 - as above
                text = answer.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                pytest.fail(f"{page}: {error.read().decode()}\n{body!r}")
        return json.loads(text) if text.startswith("{") else text


def _table(block: str) -> Table:
    types, header, *rows = csv.reader(io.StringIO(block))
    if types[1:2] == ["error"] or header[1:2] == ["error"]:
        pytest.fail(block)
    return Table(
        types=dict(zip(header[3:], types[3:], strict=True)),
        rows=tuple(dict(zip(header[3:], row[3:], strict=True)) for row in rows),
    )


@contextmanager
def influxdb(folder: Path) -> Iterator[Influx]:
    """Yield one that runs, with empty buckets; skip where there is none."""
    with real(folder) as there:
        found = Influx(there.url, there.org, there.token, there.suffix)
        found.make_buckets()
        yield found


def letters_of(service: str, place: str, now: Minute) -> Strip:
    """Return the letters of a service up to *now*, by the monitor of that place."""
    text = drawn(_LETTERS[service, place])
    return Strip(Minute(now - len(text)), text)


def letter_lines(now: Minute) -> Iterator[str]:
    """Yield letters and outages up to *now* of two monitors, blindness, and sums of old hours."""
    for service, place in _LETTERS:
        strip = letters_of(service, place, now)
        series = points.service_series(points.MINUTE_OF, "acme", service, place)
        for number, mark in enumerate(strip.letters):
            yield points.minute_line(series, Minute(strip.start + number), mark, "DL")
        series = points.service_series(points.OUTAGE, "acme", service, place)
        for outage in points.outages_of(strip, "DL"):
            yield points.outage_line(series, outage)
        yield points.withdrawn_line(series, Minute(now - 100))
        yield from _old_hours(service, place, now)
    for ago in (7, 8, 9):
        blind = BlindMinute(vantage="local", minute=Minute(now - ago), reason="references")
        yield records.blind_line(blind)


def _old_hours(service: str, place: str, now: Minute) -> Iterator[str]:
    of = points.service_series("uptimed_hour", "acme", service, place)
    figures = {"up": 58, "degraded": 0, "system_down": 2, "login_failure": 0, "not_measured": 0,
               "down": 2, "unverified": 0}  # fmt: skip
    fields = ",".join(f"{name}={value}i" for name, value in figures.items())
    for hours in (40 * 24, 41 * 24):
        yield f"{of} {fields} {(now // 60 - hours) * 60 * MINUTE}000"


def look_lines(now: Minute) -> Iterator[str]:
    """Yield an hour of attempts up to *now*, of two vantages and two accounts."""
    for minute in range(now - 60, now):
        for place in _PLACES:
            yield points.look_line(_front(Minute(minute), place, now), "acme", "http", "reach")
            yield points.look_line(_login(Minute(minute), place), "acme", "login", "login")


def _front(minute: Minute, place: str, now: Minute) -> Attempt:
    phases = {Phase.DNS: 900, Phase.CONNECT: 12_000, Phase.TLS: 40_000, Phase.FIRST_BYTE: 80_000,
              Phase.TRANSFER: 2_000}  # fmt: skip
    common: dict[str, Any] = {
        "vantage": place, "phases": phases,
        "certificate_expires": Instant(start_of(now) + 9 * 86_400 * SECOND),
    }  # fmt: skip
    if minute >= now - 4:
        return attempt(
            minute, outcome=Outcome.FAIL, cause="status", detail="status 503, wanted 200",
            evidence=Evidence(status=503), **common,
        )  # fmt: skip
    return attempt(minute, **common)


def _login(minute: Minute, place: str) -> Attempt:
    common: dict[str, Any] = {"probe": "login", "vantage": place, "account": 1 + minute % 2}
    match minute % 5:
        case 0:
            return attempt(minute, outcome=Outcome.REJECTED, cause="login_rejected", **common)
        case 1:
            return attempt(minute, outcome=Outcome.NOT_MEASURED, cause="local_dns", **common)
        case _:
            return attempt(minute, **common)
