"""A test alert, plainly marked as one."""

from uptimed.alerting.posting import Posting
from uptimed.core.alerts import TEST, Alert, Rule
from uptimed.core.minutes import MINUTE
from uptimed.core.observations import Instant

STANDS_US = 2 * MINUTE
"""So long it stands: longer than an Alertmanager waits for company, then it is over by itself."""


def trial(now: Instant, *, like: Rule, vantage: str, runbook: str) -> Posting:
    """Return a test alert with the labels of *like* that routing goes by, sent from *vantage*.

    It never has the name of a real one, and stands for two minutes.
    """
    nobody = dict.fromkeys(("client", "service", "platform"), "uptimed-test")
    labels = {**like.labels, **nobody, "alertname": TEST.name, "instance": vantage}
    labelled = "" if like is TEST else f"with the labels of {like.name}, "
    alert = Alert(
        rule=TEST,
        labels=labels,
        annotations={
            "summary": f"TEST from uptimed at {vantage}: nothing is wrong",
            "description": f"Somebody sent this by `uptimed alert test`, {labelled}to see "
            "that alerts arrive. It resolves by itself in two minutes.",
            "runbook_url": TEST.runbook(runbook),
        },
        starts_at=now,
    )
    return Posting(alert=alert, ends_at=Instant(now + STANDS_US))
