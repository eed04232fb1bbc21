"""The few shapes of Flux that uptimed writes, run on the points of a stand-in.

Line by line and strictly: what it does not know is a failed test, not an empty answer. The answer
is annotated CSV with a table for each row, as servers give of points with different columns.
"""

import csv
import io
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta

from tests.stores.influx_double import Key, Value

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_TEXT = r'"((?:[^"\\]|\\.)*)"'

Row = dict[str, Value]  # one value of one field, as Flux has it before a pivot
Points = Mapping[str, Mapping[Key, Mapping[str, Value]]]


def answered(points: Points, query: str) -> str:
    """Return what *query* finds in the buckets *points*."""
    if "schema.tagValues" in query:
        return _tag_values(points, query)
    first, *steps = [line.strip() for line in query.strip().split("\n")]
    source = re.fullmatch(rf"from\(bucket: {_TEXT}\)", first)
    assert source, first
    assert _unescaped(source[1]) in points, f"no bucket {source[1]}"
    limits = re.fullmatch(r"\|> range\(start: (\S+), stop: (\S+)\)", steps[0])
    assert limits, "InfluxDB refuses an unbounded read"
    start, stop = (_nanoseconds(limits[n]) for n in (1, 2))
    assert start < stop < 2**63, "InfluxDB refuses an empty range, and what overflows"
    rows = [
        {"_time": at, "_measurement": measurement, **dict(tags), "_field": name, "_value": value}
        for (measurement, tags, at), fields in points[_unescaped(source[1])].items()
        if start <= at < stop
        for name, value in fields.items()
    ]
    for step in steps[1:]:
        rows = _done(step, rows)
    return _csv(rows)


def _done(step: str, rows: list[Row]) -> list[Row]:
    for shape, work in _STEPS.items():
        found = re.fullmatch(shape, step)
        if found:
            return work(rows, found)
    raise AssertionError(f"not known: {step}")


def _filter(rows: list[Row], found: re.Match[str]) -> list[Row]:
    told = found[1]
    joined = " or " if " or " in told else " and "
    asked = []
    for part in told.split(joined):
        one = re.fullmatch(rf"r\.(\w+) == {_TEXT}", part)
        assert one, part
        asked.append((one[1], _unescaped(one[2])))
    need = any if joined == " or " else all
    return [row for row in rows if need(row.get(name) == value for name, value in asked)]


def _group(row: Row, *, without: tuple[str, ...] = ()) -> tuple[tuple[str, Value], ...]:
    return tuple(sorted(
        (name, value) for name, value in row.items()
        if name not in {"_time", "_value", *without}
    ))  # fmt: skip


def _pick(which: str) -> Callable[[list[Row], re.Match[str]], list[Row]]:
    def work(rows: list[Row], found: re.Match[str]) -> list[Row]:
        kept: dict[tuple[tuple[str, Value], ...], Row] = {}
        order = sorted(rows, key=lambda row: int(row["_time"]), reverse=which == "first")
        for row in order:
            kept[_group(row)] = row
        return list(kept.values())

    return work


def _pivot(rows: list[Row], found: re.Match[str]) -> list[Row]:
    made: dict[tuple[object, ...], Row] = {}
    for row in rows:
        key = (row["_time"], _group(row, without=("_field",)))
        tags = {name: value for name, value in row.items() if name not in {"_field", "_value"}}
        made.setdefault(key, tags)[str(row["_field"])] = row["_value"]
    return list(made.values())


def _count(rows: list[Row], found: re.Match[str]) -> list[Row]:
    every = int(found[1]) * 60_000_000_000
    made: dict[tuple[object, ...], Row] = {}
    for row in rows:
        at = int(row["_time"]) // every * every
        key = (at, _group(row))
        made.setdefault(key, {**row, "_time": at, "_value": 0})
        made[key]["_value"] = int(made[key]["_value"]) + 1
    return list(made.values())


def _sum(rows: list[Row], found: re.Match[str]) -> list[Row]:
    made: dict[tuple[Value, Value], Row] = {}  # as grouped before
    for row in rows:
        key = row["vantage"], row["_time"]
        made.setdefault(key, {"vantage": key[0], "_time": key[1], "_value": 0})
        made[key]["_value"] = int(made[key]["_value"]) + int(row["_value"])
    return list(made.values())


_STEPS: dict[str, Callable[[list[Row], re.Match[str]], list[Row]]] = {
    r"\|> filter\(fn: \(r\) => (.*)\)": _filter,
    r"\|> first\(\)": _pick("first"),
    r"\|> last\(\)": _pick("last"),
    r'\|> pivot\(rowKey: \["_time"\], columnKey: \["_field"\], valueColumn: "_value"\)': _pivot,
    r'\|> aggregateWindow\(every: (\d+)m, fn: count, timeSrc: "_start", createEmpty: false\)':
        _count,
    r'\|> group\(columns: \["vantage", "_time"\]\)': lambda rows, _: rows,
    r"\|> sum\(\)": _sum,
    r"\|> group\(\)": lambda rows, _: rows,
}  # fmt: skip


def _tag_values(points: Points, query: str) -> str:
    of = re.search(r'tag: "(\w+)"', query)
    bucket = re.search(rf"bucket: {_TEXT}", query)
    measurement = re.search(rf"r\._measurement == {_TEXT}", query)
    assert of and bucket and measurement
    found = {
        dict(tags)[of[1]]
        for (name, tags, _), _fields in points[_unescaped(bucket[1])].items()
        if name == measurement[1]
    }
    return _csv([{"_value": name} for name in sorted(found)])


def _unescaped(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text)


def _nanoseconds(moment: str) -> int:
    return (datetime.fromisoformat(moment) - _EPOCH) // timedelta(microseconds=1) * 1000


def _csv(rows: list[Row]) -> str:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    for number, row in enumerate(rows):
        shown = {
            name: _moment(int(value)) if name == "_time" else value for name, value in row.items()
        }
        kinds = [
            "dateTime:RFC3339"
            if name == "_time"
            else "long"
            if isinstance(value, int)
            else "string"
            for name, value in shown.items()
        ]
        writer.writerow(["#datatype", "string", "long", *kinds])
        writer.writerow(["#group", "false", "false", *["false"] * len(shown)])
        writer.writerow(["#default", "_result", "", *[""] * len(shown)])
        writer.writerow(["", "result", "table", *shown])
        writer.writerow(["", "", number, *shown.values()])
        out.write("\r\n")
    return out.getvalue()


def _moment(at: int) -> str:
    whole = (_EPOCH + timedelta(microseconds=at // 1000)).strftime("%Y-%m-%dT%H:%M:%S")
    return f"{whole}.{at % 1_000_000_000:09}Z"
