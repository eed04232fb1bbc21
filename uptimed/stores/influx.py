"""InfluxDB 2, and what speaks its API: everything that is seen goes there as well.

| part              | knows                                                         |
|-------------------|---------------------------------------------------------------|
| `influx_lines`    | the grammar of a line; pure                                   |
| `influx_points`   | which point an attempt, a letter and an outage become; pure   |
| `influx_source`   | what is to be sent next, read from the journal                |
| `influx_server`   | one request, and what its answer means                        |
| `influx_aside`    | the file of points that the server cannot take                |
| `influx_follower` | the way of all of them: order, cursors, patience              |
| `influx_setup`    | buckets and the task that sums up hours                       |
| `influx_reader`   | attempts and letters, read back                               |
"""

from uptimed.stores.influx_follower import CursorNames, InfluxFollower, backlog, influx_follower
from uptimed.stores.influx_reader import InfluxReader, influx_reader
from uptimed.stores.influx_setup import SetUp, set_up, what_to_run

__all__ = [
    "CursorNames",
    "InfluxFollower",
    "InfluxReader",
    "SetUp",
    "backlog",
    "influx_follower",
    "influx_reader",
    "set_up",
    "what_to_run",
]
