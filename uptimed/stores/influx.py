"""InfluxDB 2, and what speaks its API: everything that is seen goes there as well.

| part              | knows                                                         |
|-------------------|---------------------------------------------------------------|
| `influx_lines`    | the grammar of a line; pure                                   |
| `influx_points`   | which point an attempt, a letter and an outage become; pure   |
| `influx_records`  | which point every other record becomes, and back; pure        |
| `influx_source`   | which looks and letters are to be sent next                   |
| `influx_rest`     | which other records are                                       |
| `influx_server`   | one request, and what its answer means                        |
| `influx_aside`    | the file of points that the server cannot take                |
| `influx_follower` | the way of all of them: order, cursors, patience              |
| `influx_setup`    | buckets and the task that sums up hours                       |
| `influx_reader`   | all of it, read back                                          |
"""

from uptimed.stores.influx_follower import CursorNames, InfluxFollower, backlog, influx_follower
from uptimed.stores.influx_reader import InfluxReader, Shared, influx_reader, shared_looks
from uptimed.stores.influx_setup import SetUp, set_up, what_to_run

__all__ = [
    "CursorNames",
    "InfluxFollower",
    "InfluxReader",
    "SetUp",
    "Shared",
    "backlog",
    "influx_follower",
    "influx_reader",
    "set_up",
    "shared_looks",
    "what_to_run",
]
