"""When a service went down and when it came up again: what is told of it.

The machine is the core's; alerts are worked out by the same one.
"""

from uptimed.core.snapshot import Edge as Edge
from uptimed.core.turns import OutageWatch as OutageWatch
from uptimed.core.turns import Turn as Turn
from uptimed.core.turns import told_as as told_as
