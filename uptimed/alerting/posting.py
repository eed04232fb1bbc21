"""An alert as it is posted: firing until a time ahead, or ended at one past."""

from collections.abc import Mapping
from dataclasses import dataclass

from uptimed.core.alerts import Alert
from uptimed.core.minutes import MINUTE, moment_of
from uptimed.core.observations import Instant

HOLD_US = 15 * MINUTE
"""How long an alert stands over there without a word from us, as in the rules for Prometheus: a
monitor that is started anew within it has ended no alert, and so fires none a second time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Posting:
    """What is said of an alert.

    It stands until *ends_at* unless we say more; where *resolved*, it ended then. *late* is said of
    what was over before anybody could be told. *bare* leaves all out that can be done without: it
    was refused with it.
    """

    alert: Alert
    ends_at: Instant
    resolved: bool = False
    late: str = ""
    generator: str = ""
    bare: bool = False

    def as_json(self) -> Mapping[str, object]:
        """Return it as Alertmanager reads it."""
        annotations = dict(self.alert.annotations)
        if self.bare:
            kept = {"summary", "runbook_url"}
            annotations = {name: text for name, text in annotations.items() if name in kept}
        if self.late:
            annotations["late"] = self.late
        posted: dict[str, object] = {
            "labels": dict(self.alert.labels),
            "annotations": annotations,
            "startsAt": _written(self.alert.starts_at),
            "endsAt": _written(max(self.ends_at, self.alert.starts_at)),
        }
        if self.generator:
            posted["generatorURL"] = self.generator
        return posted


def _written(at: int) -> str:
    return moment_of(Instant(at)).isoformat(timespec="milliseconds").replace("+00:00", "Z")
