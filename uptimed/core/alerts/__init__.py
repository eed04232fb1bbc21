"""Alerts: what stands after a minute, from what is on record and the time alone.

A monitor that was killed and started again, and a second one on the same record, make the same
labels and the same starts; so whoever is told twice can see that it is once. Names, labels and
severities are those of the rules for Prometheus: one routing file serves both ways.

Counts of minutes come from the letters, months from their figures. Nothing here knows how alerts
travel, or to whom.
"""

from uptimed.core.alerts.letters import episodes as episodes
from uptimed.core.alerts.looks import Seen as Seen
from uptimed.core.alerts.looks import account_alerts as account_alerts
from uptimed.core.alerts.looks import certificate_alerts as certificate_alerts
from uptimed.core.alerts.looks import seen as seen
from uptimed.core.alerts.monitor import MonitorWatch as MonitorWatch
from uptimed.core.alerts.service import Subject as Subject
from uptimed.core.alerts.service import labels_of as labels_of
from uptimed.core.alerts.service import service_alerts as service_alerts
from uptimed.core.alerts.values import ALL as ALL
from uptimed.core.alerts.values import BY_NAME as BY_NAME
from uptimed.core.alerts.values import RUNBOOK as RUNBOOK
from uptimed.core.alerts.values import TEST as TEST
from uptimed.core.alerts.values import Alert as Alert
from uptimed.core.alerts.values import Episode as Episode
from uptimed.core.alerts.values import Rule as Rule
from uptimed.core.alerts.words import restore_words as restore_words
