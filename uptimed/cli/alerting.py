"""The ways of alerts: whether they work, and what they would tell now."""

import asyncio
import os
import sys
from collections.abc import Mapping

import click

from uptimed.alerting.server import Means
from uptimed.cli.common import (
    NO,
    config_option,
    emit,
    json_option,
    load_settings,
    now,
    reading,
    show_utc,
    table,
    told,
    version,
    warn_of_made_up,
)
from uptimed.config import ConfiguredSecrets
from uptimed.core.alerts import BY_NAME, TEST, Alert
from uptimed.core.minutes import minute_of
from uptimed.logs import visible
from uptimed.wiring.pushing import send_trial
from uptimed.wiring.standing import standing

_BY_PROMETHEUS = (
    "Alerts by way of Prometheus cannot be tested from here: it reads the rules and tells its "
    "Alertmanager by itself. Check there: promtool check rules, amtool check-config, and whether "
    "the target uptimed is up."
)


@click.group()
def alert() -> None:
    """The ways of alerts: whether they work, and what they would tell now."""


@alert.command()
@click.option(
    "--like",
    type=click.Choice([TEST.name, *BY_NAME], case_sensitive=False),
    default=TEST.name,
    show_default=True,
    metavar="ALERT",
    help="Give it the labels that routing has for this alert: who is told of those is told.",
)
@json_option
@config_option
@told
def test(like: str, as_json: bool, config: str | None) -> None:
    """Send one test alert through every Alertmanager that is configured.

    It says that it is a test, and resolves by itself in two minutes. Whether a page came out at
    the other end, somebody has to look. Ends with 1 when any did not take it, or none is
    configured.
    """
    settings = load_settings(config).settings
    found = []
    if settings.alertmanager is not None:
        rule = BY_NAME.get(like, TEST)
        secrets = ConfiguredSecrets(os.environ)
        found = list(
            asyncio.run(
                send_trial(
                    settings.alertmanager, secrets, version(), like=rule, vantage=settings.vantage
                )
            )
        )
    taken = [answer.means is Means.THERE for _, _, answer in found]
    if as_json:
        emit(
            {
                "sent": bool(taken) and all(taken),
                "alertmanagers": [
                    {"name": name, "url": url, "taken": ok, "error": answer.message}
                    for (name, url, answer), ok in zip(found, taken, strict=True)
                ],
                "prometheus": _BY_PROMETHEUS,
            }
        )
    else:
        for (name, url, answer), ok in zip(found, taken, strict=True):
            click.echo(f"{name} at {url}: {'taken' if ok else visible(answer.message)}")
        if not found:
            click.echo("No Alertmanager is configured: there is no section [alertmanager].")
        click.echo(_BY_PROMETHEUS)
    sys.exit(0 if taken and all(taken) else NO)


@alert.command("list")
@json_option
@config_option
@told
def list_alerts(as_json: bool, config: str | None) -> None:
    """What stands now by the letters and the month on record, as it is pushed.

    Accounts, certificates and the monitor's own faults are known to the daemon alone.
    """
    settings = load_settings(config).settings
    with reading(settings) as reader:
        found = list(standing(settings, reader, now()))
    if as_json:
        emit([_as_json(each) for each in found])
        return
    rows = [
        [each.rule.name, each.service, _since(each), each.rule.severity, each.rule.team]
        for each in found
    ]
    table(["ALERT", "SERVICE", "SINCE", "SEVERITY", "TEAM"], rows)
    for each in found:
        if each.rule.kind == "outage":
            click.echo(f"{each.service}: {visible(each.annotations['evidence'])}")
            click.echo(f"{each.service}: to restore: {each.annotations['restore']}")
    warn_of_made_up(settings)


def _since(alert: Alert) -> str:
    return show_utc(minute_of(alert.starts_at))


def _as_json(alert: Alert) -> Mapping[str, object]:
    return {
        "labels": dict(alert.labels),
        "annotations": dict(alert.annotations),
        "since": _since(alert),
    }
