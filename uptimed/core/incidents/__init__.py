"""Incidents: the case opened for an outage or a report, as a fold over append-only events.

What happened is a list of events by named people (or by the monitor itself), and the incident is
what they amount to, after ITIL 4's incident management: opened, classified, answered, restored,
resolved, closed, and reopened where it was closed too soon. Events count in the order in which they
happened, and at the same second in the order in which they were recorded; so an event that comes
late, from a ticket system, falls into its place. Nothing is edited or deleted.

Which events may be recorded is decided here too, as values that say what to do instead. How long
anything took is for the clocks.
"""

from uptimed.core.incidents.acts import Acknowledged as Acknowledged
from uptimed.core.incidents.acts import Answered as Answered
from uptimed.core.incidents.acts import CauseFound as CauseFound
from uptimed.core.incidents.acts import Classified as Classified
from uptimed.core.incidents.acts import Closed as Closed
from uptimed.core.incidents.acts import Escalated as Escalated
from uptimed.core.incidents.acts import Noted as Noted
from uptimed.core.incidents.acts import Paused as Paused
from uptimed.core.incidents.acts import Registered as Registered
from uptimed.core.incidents.acts import Reopened as Reopened
from uptimed.core.incidents.acts import Reported as Reported
from uptimed.core.incidents.acts import Resolved as Resolved
from uptimed.core.incidents.acts import Responded as Responded
from uptimed.core.incidents.acts import Restored as Restored
from uptimed.core.incidents.acts import Resumed as Resumed
from uptimed.core.incidents.acts import SeverityChanged as SeverityChanged
from uptimed.core.incidents.acts import Updated as Updated
from uptimed.core.incidents.admitting import Admitted as Admitted
from uptimed.core.incidents.admitting import Known as Known
from uptimed.core.incidents.admitting import admit as admit
from uptimed.core.incidents.events import Act as Act
from uptimed.core.incidents.events import Event as Event
from uptimed.core.incidents.events import Incident as Incident
from uptimed.core.incidents.events import Opened as Opened
from uptimed.core.incidents.folding import fold as fold
from uptimed.core.incidents.folding import in_order as in_order
from uptimed.core.incidents.grouping import CONFIRMED_WITHIN as CONFIRMED_WITHIN
from uptimed.core.incidents.grouping import FLAP_UP_MINUTES as FLAP_UP_MINUTES
from uptimed.core.incidents.grouping import OutageGroup as OutageGroup
from uptimed.core.incidents.grouping import grouped as grouped
from uptimed.core.incidents.references import RECURRENCE_S as RECURRENCE_S
from uptimed.core.incidents.references import next_reference as next_reference
from uptimed.core.incidents.references import recurrence as recurrence
from uptimed.core.incidents.references import reference as reference
from uptimed.core.incidents.severities import Classification as Classification
from uptimed.core.incidents.severities import classification as classification
from uptimed.core.incidents.severities import severity_refusal as severity_refusal
from uptimed.core.incidents.values import MONITOR as MONITOR
from uptimed.core.incidents.values import Kind as Kind
from uptimed.core.incidents.values import PausePeriod as PausePeriod
from uptimed.core.incidents.values import Refusal as Refusal
from uptimed.core.incidents.values import Report as Report
from uptimed.core.incidents.values import SeverityPeriod as SeverityPeriod
from uptimed.core.incidents.values import told_at as told_at
