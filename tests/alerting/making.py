"""Alerts, postings and settings for the tests of pushing."""

from dataclasses import replace

from tests.fakes import FakeSecrets, at
from tests.grafana.pictures import Service, drawn
from uptimed.alerting.posting import HOLD_US, Posting
from uptimed.core.alerts import BY_NAME, Alert, Subject, service_alerts
from uptimed.core.minutes import Minute, minute_of, start_of
from uptimed.core.observations import Instant
from uptimed.core.settings import Alerting
from uptimed.core.support import SupportTerms
from uptimed.core.targets import Secret, SecretPlace

START = minute_of(at("2026-10-03 14:00:00"))
PASSWORD = "p4ss-word"
SECRET = Secret(SecretPlace.ENV, "PASSWORD")
VAULT = FakeSecrets({SECRET.name: PASSWORD})


def terms(url: str, **more: str) -> Alerting:
    return replace(Alerting(urls=(url,), timeout_us=300_000), **more)  # type: ignore[arg-type]


def alert(name: str = "UptimedBug", service: str = "") -> Alert:
    """Return an alert of the present."""
    rule = BY_NAME[name]
    return Alert(
        rule=rule,
        labels={**rule.labels, "service": service},
        annotations={"summary": "what it is", "evidence": "x", "runbook_url": "docs/"},
        starts_at=start_of(START),
        service=service,
    )


def posting(of: Alert | None = None) -> Posting:
    one = alert() if of is None else of
    return Posting(alert=one, ends_at=Instant(one.starts_at + HOLD_US))


def alerts_of(letters: str, service: str = "crm") -> tuple[Alert, ...]:
    """Return the alerts of a service whose letters begin at `START`."""
    view = Service(letters=drawn(letters), service=service, start=START).last()
    now = start_of(Minute(view.recent.stop))
    return service_alerts(replace(view, month=None), Subject(support=SupportTerms()), now=now)


def after(minutes: int, seconds: int = 0) -> Instant:
    """Return a time after `START`."""
    return Instant(start_of(Minute(START + minutes)) + seconds * 1_000_000)
