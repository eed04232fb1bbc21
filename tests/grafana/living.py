"""A monitor with every kind of trouble at once, so that each panel and each alert has data."""

from itertools import count

from tests.grafana.pictures import Probes, Service, drawn, picture
from uptimed.clock import SystemClock
from uptimed.core.minutes import Minute, minute_of
from uptimed.core.observations import SECOND, Instant
from uptimed.core.snapshot import ServiceView, Snapshot

BROKEN = "acme-crm"
"""The service that has most of the trouble, and the probes."""

_LETTERS = {
    BROKEN: "U*50 G D*6 U*200 D*10 UUU DDDD",
    "acme-shop": "U*100 LL",
    "acme-files": "U*100 GG",
    "acme-mail": "U*100 N*20",
    "acme-wiki": "U*100",
}
_STUCK, _STRICT = "acme-wiki", "acme-files"
_PLATFORM = {"acme-shop": "eu-cluster-2", "acme-files": "eu-cluster-2"}
_times = count(1)


def everything() -> Snapshot:
    """Return the snapshot of the moment."""
    now = SystemClock().now()
    services = {name: _service(name, minute_of(now)) for name in _LETTERS}
    probes = Probes(
        of=services[BROKEN], times=10 * next(_times), refused=True,
        expires=Instant(now + 9 * 86_400 * SECOND),
    )  # fmt: skip
    views: list[ServiceView] = [service.last() for service in services.values()]
    return picture(views, at=now, probes=probes.views(), times=probes.times, ill=True)


def _service(name: str, now: Minute) -> Service:
    letters = drawn(_LETTERS[name])
    stop = now - 30 if name == _STUCK else now
    return Service(
        letters=letters, service=name, platform=_PLATFORM.get(name, ""),
        counted="DLG" if name == _STRICT else "DL",
        start=Minute(stop - len(letters)),
    )  # fmt: skip
