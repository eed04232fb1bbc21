"""Looks as lines of a file: what is read, what is malformed, what is written."""

import io
import json
from collections.abc import Iterator, Sequence
from dataclasses import replace

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.core.drawing import NOON, moment, tried
from uptimed.core.lookfile import (
    COLUMNS,
    Blinded,
    Known,
    KnownProbe,
    Line,
    Malformed,
    numbered_csv,
    numbered_jsonl,
    place_of,
    read_csv,
    read_jsonl,
    show_instant,
    with_blindness,
    write_csv,
    write_jsonl,
)
from uptimed.core.minutes import MINUTE
from uptimed.core.observations import SECOND, Attempt, Instant, Outcome

KNOWN: Known = {
    "crm": {
        "front": KnownProbe(login=False),
        "login": KnownProbe(login=True, accounts=2),
    },
    "pim": {"front": KnownProbe(login=False)},
}
NOW = Instant((NOON + 1440) * MINUTE)
LINE = {
    "service": "crm",
    "probe": "front",
    "vantage": "local",
    "at": "2026-10-03T14:07:12.250Z",
    "outcome": "pass",
    "took_ms": 183,
}


def read_one(line: str) -> Line | Malformed:
    """Return what one line of JSONL says."""
    (found,) = read_jsonl([line], KNOWN, NOW)
    return found


def said(**changed: object) -> Line | Malformed:
    """Return what the usual line says with some of it *changed*; None leaves a key out."""
    return read_one(json.dumps({k: v for k, v in (LINE | changed).items() if v is not ...}))


def good(**changed: object) -> Attempt:
    """Return the attempt that the usual line is with some of it *changed*."""
    found = said(**changed)
    assert isinstance(found, Attempt), found
    return found


def test_a_line_is_an_attempt() -> None:
    at = moment("2026-10-03T14:07:12.250Z")
    assert good() == Attempt(
        service="crm",
        probe="front",
        vantage="local",
        at=at,
        look=at,
        outcome=Outcome.PASS,
        took_us=183_000,
    )


def test_a_further_attempt_names_its_look() -> None:
    found = good(at="2026-10-03T14:09:07.300Z", look="2026-10-03T14:08:52.251Z")
    assert found.look == moment("2026-10-03T14:08:52.251Z")


@pytest.mark.parametrize(
    "text",
    [
        "2026-10-03T14:07:12.25Z",
        "2026-10-03 14:07:12.250Z",
        "2026-10-03T14:07:12,250Z",
        "2026-10-03T14:07:12.250000999Z",
        "2026-10-03T14:07:12.250+00:00",
        "2026-10-03T09:07:12.250-05:00",
        "2026-10-03T19:37:12.250+0530",
    ],
)
def test_an_instant_may_be_written_in_many_ways(text: str) -> None:
    assert good(at=text).at == moment("2026-10-03T14:07:12.250Z")


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        pytest.param({"service": ...}, "no 'service'", id="no service"),
        pytest.param({"probe": ...}, "no 'probe'", id="no probe"),
        pytest.param({"vantage": ...}, "no 'vantage'", id="no vantage"),
        pytest.param({"at": ...}, "no 'at'", id="no instant"),
        pytest.param({"outcome": ...}, "no 'outcome'", id="no outcome"),
        pytest.param({"service": "erp"}, "'erp', which is not configured", id="another service"),
        pytest.param({"probe": "back"}, "'back', wanted one of crm: front, login",
                     id="another probe"),
        pytest.param({"service": 7}, "service: found 7, wanted a text", id="a number as service"),
        pytest.param({"vantage": ""}, 'vantage: found "", wanted a text', id="an empty vantage"),
        pytest.param({"vantage": ["a"]}, 'vantage: found ["a"], wanted a text', id="a list"),
        pytest.param({"vantage": "a" * 2001}, "vantage: longer than 2000", id="a long vantage"),
        pytest.param({"vantage": "\ud800"}, "vantage: half a", id="half a character"),
        pytest.param({"detail": "x\udfffy"}, "detail: half a", id="half a character in the detail"),
        pytest.param({"cause": []}, "cause: found [], wanted a text", id="a list as the cause"),
        pytest.param({"detail": {}}, "detail: found {}, wanted a text", id="an object as detail"),
        pytest.param({"outcome": "up"}, "'up', wanted one of pass, fail, not_measured",
                     id="another outcome"),
        pytest.param({"outcome": "rejected"}, "'rejected', wanted one of pass, fail, not_measured",
                     id="an outcome of logins"),
        pytest.param({"probe": "login", "outcome": "down"}, "rejected, blocked, maintenance",
                     id="another outcome of a login"),
        pytest.param({"took_ms": -1}, "took_ms: found -1", id="a negative time"),
        pytest.param({"took_ms": 1.5}, "took_ms: found 1.5", id="half a millisecond"),
        pytest.param({"took_ms": True}, "took_ms: found true", id="a truth as a time"),
        pytest.param({"took_ms": "183"}, 'took_ms: found "183"', id="a text as a time"),
        pytest.param({"took_ms": 3_600_001}, "took_ms: found 3600001, wanted whole milliseconds "
                     "from 0 to 3600000, such as 183", id="more than an hour"),
        pytest.param({"took_ms": 183.4}, "found 183.4, wanted whole milliseconds", id="a fraction"),
        pytest.param({"took_ms": 1e300}, "took_ms: found 1e+300", id="a time without end"),
        pytest.param({"took_ms": float("nan")}, "took_ms: found NaN", id="a time that is none"),
        pytest.param({"blind": True}, "blind: found true, wanted a text", id="blind without words"),
        pytest.param({"blind": "a" * 2001}, "blind: longer than 2000", id="blind in many words"),
        pytest.param({"blind": "x\udfffy"}, "blind: half a", id="blind in half a character"),
        pytest.param({"account": 1}, "wanted none: the probe has no accounts", id="an account"),
        pytest.param({"probe": "login", "account": 3}, "account: found 3, wanted 1 to 2",
                     id="another account"),
        pytest.param({"probe": "login", "account": 0}, "account: found 0, wanted 1 to 2",
                     id="account nought"),
        pytest.param({"probe": "login", "account": "1"}, 'account: found "1", wanted a whole',
                     id="a text as account"),
        pytest.param({"at": "2026-10-03T14:07:12"}, "wanted an instant with its zone",
                     id="no zone"),
        pytest.param({"at": "2026-10-03"}, "wanted an instant with its zone", id="a date"),
        pytest.param({"at": 1791036432}, "at: found 1791036432, wanted a text", id="seconds"),
        pytest.param({"at": "2026-02-30T14:07:12Z"}, "day is out of range", id="30 February"),
        pytest.param({"at": "2026-10-03T24:00:00Z"}, "hour must be in", id="hour 24"),
        pytest.param({"at": "2026-12-31T23:59:60Z"}, "seconds 00 to 59", id="a leap second"),
        pytest.param({"at": "2026-10-03T14:07:12+99:99"}, "at: found", id="a zone that is none"),
        pytest.param({"at": "0000-10-03T14:07:12Z"}, "at: found", id="the year nought"),
        pytest.param({"at": "1999-12-31T23:59:59Z"}, "before the year 2000", id="long ago"),
        pytest.param({"at": "2026-10-06T12:01:01Z"}, "in the future", id="in the future"),
        pytest.param({"look": "2026-10-03T14:07:13Z"}, "after the attempt's own start",
                     id="a look that begins later"),
        pytest.param({"look": "2026-10-03T14:01:12Z"}, "more than 5 minutes before",
                     id="a look that began long before"),
        pytest.param({"region": "eu"}, "unknown key 'region'", id="an unknown key"),
        pytest.param({"secret": "k1"}, "unknown key 'secret'", id="what is never in a file"),
    ],
)  # fmt: skip
def test_a_malformed_line_says_what_is_wrong(changed: dict[str, object], says: str) -> None:
    found = said(**changed)
    assert isinstance(found, Malformed), found
    assert says in found.reason
    assert str(found).startswith("line 1: ")


@pytest.mark.parametrize(
    ("line", "says"),
    [
        pytest.param("{", "not JSON", id="half a line"),
        pytest.param("[1]", "found [1], wanted an object", id="a list"),
        pytest.param("null", "found null, wanted an object", id="nothing"),
        pytest.param('{"service":"crm"} x', "not JSON", id="two things"),
        pytest.param("9" * 5000, "not JSON", id="a number without end"),
        pytest.param("[" * 100_000, "not JSON", id="brackets without end"),
        pytest.param(
            json.dumps(LINE)[:-1] + ',"outcome":"fail"}', "'outcome' stands twice",
            id="a key that stands twice",
        ),
    ],
)  # fmt: skip
def test_what_is_no_object_is_malformed(line: str, says: str) -> None:
    found = read_one(line)
    assert isinstance(found, Malformed)
    assert says in found.reason


@pytest.mark.parametrize("depth", range(930, 1000))
def test_however_deep_a_line_is_nothing_is_raised(depth: int) -> None:
    assert isinstance(read_one("[" * depth + "]" * depth), Malformed)


def test_a_look_a_second_ahead_is_in_the_future() -> None:
    assert "in the future" in str(said(at="2026-10-06T12:00:01Z"))


def test_lines_keep_their_numbers_over_blank_ones() -> None:
    lines = ["", json.dumps(LINE), "  \n", "{", json.dumps(LINE | {"took_ms": 1})]
    found = list(numbered_jsonl(lines, KNOWN, NOW))
    assert [number for number, _ in found] == [2, 4, 5]
    assert isinstance(found[1][1], Malformed)
    assert found[1][1].line == 4


def test_a_byte_order_mark_is_no_mistake() -> None:
    assert read_one("\ufeff" + json.dumps(LINE)) == good()
    lines = ["\ufeff" + ",".join(LINE) + "\n", ",".join(map(str, LINE.values()))]
    assert list(read_csv(lines, KNOWN, NOW)) == [good()]


def test_a_login_has_outcomes_of_its_own() -> None:
    for outcome in Outcome:
        assert good(probe="login", account=2, outcome=str(outcome)).outcome is outcome


def test_nobody_need_tell_which_account_was_not_tried() -> None:
    assert good(probe="login", outcome="not_measured", cause="local_dns").account == 0


@pytest.mark.parametrize("took", [183, 183.0])
def test_a_whole_number_may_be_written_with_a_point(took: float) -> None:
    assert good(took_ms=took).took_us == 183_000
    (row,) = read_csv(table(f"{ROW}.0"), KNOWN, NOW)
    assert row == good()


def test_a_line_may_say_that_its_vantage_was_blind() -> None:
    line = said(outcome="fail", cause="refused", blind="our router was off")
    assert line == Blinded(good(outcome="fail", cause="refused"), "our router was off")


def test_who_was_blind_when_follows_from_the_look_not_from_the_attempt() -> None:
    line = said(at="2026-10-03T14:09:07.300Z", look="2026-10-03T14:08:52.251Z", blind="us")
    assert isinstance(line, Blinded)
    assert line.place == ("local", moment("2026-10-03T14:08:52Z") // MINUTE)


@pytest.mark.parametrize("nothing", [None, ""])
def test_a_line_without_a_reason_is_of_a_minute_like_any_other(nothing: object) -> None:
    assert said(blind=nothing) == good()


def test_a_reason_is_written_last_and_only_where_there_is_one() -> None:
    lines: list[Line] = [Blinded(tried("f", 0, 20, took_ms=None), "us"), tried("p", 1, 20)]
    first, second = write_jsonl(lines)
    assert first.endswith('"outcome":"fail","blind":"us"}')
    assert second == next(write_jsonl([tried("p", 1, 20)]))
    header, *rows = write_csv(lines, blind=True)
    assert header == "service,probe,vantage,at,look,account,outcome,cause,detail,took_ms,blind"
    assert [row.rpartition(",")[2] for row in rows] == ["us", ""]


def test_a_reason_for_which_there_is_no_column_is_not_lost() -> None:
    with pytest.raises(ValueError, match="no column for blind"):
        list(write_csv([Blinded(tried("f"), "us")]))


def test_attempts_of_blind_minutes_get_the_reason() -> None:
    blind, other = tried("f", 0, 5), tried("f", 1, 5)
    elsewhere = replace(other, vantage="there")
    reasons = {place_of(blind): "us", place_of(elsewhere): "x"}
    found = list(with_blindness([blind, other], reasons))
    assert found == [Blinded(blind, "us"), other]


def table(*rows: str, header: str = "service,probe,vantage,at,outcome,took_ms") -> list[str]:
    """Return the lines of a CSV file."""
    return [f"{line}\n" for line in (header, *rows)]


ROW = "crm,front,local,2026-10-03T14:07:12.250Z,pass,183"


def test_a_row_is_an_attempt_as_a_line_is() -> None:
    assert list(read_csv(table(ROW), KNOWN, NOW)) == [good()]


@pytest.mark.parametrize(
    ("header", "says"),
    [
        pytest.param("service,probe,vantage,at", "no column 'outcome'", id="a column is missing"),
        pytest.param("service,probe,vantage,at,outcome,region", "unknown column 'region'",
                     id="a column is unknown"),
        pytest.param("service,probe,vantage,at,outcome,at", "a column stands twice", id="twice"),
        pytest.param("", "no column 'service'", id="an empty header"),
        pytest.param('"service', "not CSV", id="an open quotation"),
    ],
)  # fmt: skip
def test_a_header_that_is_wrong_is_line_one(header: str, says: str) -> None:
    (found,) = read_csv([header], KNOWN, NOW)
    assert isinstance(found, Malformed)
    assert found.line == 1
    assert says in found.reason


def test_an_empty_file_has_no_looks() -> None:
    assert list(read_csv([], KNOWN, NOW)) == []
    assert list(read_jsonl([], KNOWN, NOW)) == []


def test_every_row_that_is_wrong_is_named_and_the_rest_is_read() -> None:
    bad = ["crm,front,local", 'crm,"fr"ont,local,2026-10-03T14:07:12Z,pass,1', "erp" + ROW[3:]]
    found = list(numbered_csv(table(ROW, bad[0], "", bad[1], bad[2], ROW), KNOWN, NOW))
    assert [number for number, _ in found] == [2, 3, 5, 6, 7]
    assert [isinstance(item, Malformed) for _, item in found] == [False, True, True, True, False]
    assert [item.line for _, item in found if isinstance(item, Malformed)] == [3, 5, 6]


def test_a_row_of_several_lines_is_named_by_its_first() -> None:
    header = "service,probe,vantage,at,outcome,detail"
    row = 'crm,front,local,2026-10-03T14:07:12Z,up,"two\nlines"'
    lines = io.StringIO(f"{header}\n{row}\n{row}", newline="")
    assert [number for number, _ in numbered_csv(lines, KNOWN, NOW)] == [2, 4]


def test_a_quotation_that_never_ends_is_malformed() -> None:
    found = list(read_csv(table(ROW, 'crm,"front'), KNOWN, NOW))
    assert [isinstance(item, Malformed) for item in found] == [False, True]


def test_a_field_without_end_is_malformed_and_the_rest_is_read() -> None:
    huge = "crm,front," + "x" * 200_000 + ",2026-10-03T14:07:12Z,pass,1"
    found = list(read_csv(table(huge, ROW), KNOWN, NOW))
    assert [isinstance(item, Malformed) for item in found] == [True, False]


def test_an_attempt_is_written_with_what_it_has() -> None:
    attempt = tried("f", 0, 20, look=(0, 5), cause="status", detail="status 500", took_ms=12)
    assert list(write_jsonl([attempt])) == [
        (
            '{"service":"crm","probe":"front","vantage":"here","at":"2026-10-05T12:00:20Z",'
            '"look":"2026-10-05T12:00:05Z","outcome":"fail","cause":"status","detail":"status 500",'
            '"took_ms":12}'
        )
    ]
    assert list(write_csv([attempt])) == [
        "service,probe,vantage,at,look,account,outcome,cause,detail,took_ms",
        "crm,front,here,2026-10-05T12:00:20Z,2026-10-05T12:00:05Z,,fail,status,status 500,12",
    ]


def test_secrets_are_never_written() -> None:
    attempt = tried("r", probe="login", account=1, secret="fingerprint")
    assert "fingerprint" not in "".join([*write_jsonl([attempt]), *write_csv([attempt])])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("2026-10-03T14:07:12Z", "2026-10-03T14:07:12Z", id="whole seconds"),
        pytest.param("2026-10-03T14:07:12.250Z", "2026-10-03T14:07:12.250Z", id="milliseconds"),
        pytest.param("2026-10-03T14:07:12.000001Z", "2026-10-03T14:07:12.000001Z", id="less"),
    ],
)
def test_an_instant_is_shown_with_the_decimals_it_needs(text: str, expected: str) -> None:
    assert show_instant(moment(text)) == expected


texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)


@st.composite
def _attempts(draw: st.DrawFn) -> Attempt:
    login = draw(st.booleans())
    look = draw(st.integers(NOON * MINUTE, NOW - 55 * SECOND))
    late = draw(st.sampled_from([0, 15 * SECOND]) | st.integers(0, 55 * SECOND))
    return Attempt(
        service="crm",
        probe="login" if login else "front",
        vantage=draw(texts.filter(bool)),
        at=Instant(look + late),
        look=Instant(look),
        outcome=draw(st.sampled_from(list(Outcome) if login else list(Outcome)[:3])),
        cause=draw(st.sampled_from(["", "status", "connect_timeout"]) | texts),
        detail=draw(texts),
        took_us=draw(st.none() | st.integers(0, 3_600_000_000)),
        account=draw(st.integers(0, 2)) if login else 0,
    )


written = st.lists(_attempts() | st.builds(Blinded, _attempts(), texts.filter(bool)), max_size=5)


def kept(seen: Sequence[Line]) -> list[Line]:
    """Return *seen* as a file can hold it: times to the millisecond."""
    return [
        Blinded(_cut_off(line.attempt), line.reason)
        if isinstance(line, Blinded)
        else _cut_off(line)
        for line in seen
    ]


def _cut_off(a: Attempt) -> Attempt:
    return a if a.took_us is None else replace(a, took_us=a.took_us // 1000 * 1000)


def as_a_file(lines: Iterator[str]) -> io.StringIO:
    """Return *lines* as an open file gives them, its newlines untouched."""
    return io.StringIO("".join(f"{line}\n" for line in lines), newline="")


@pytest.mark.property
@given(written)
def test_what_is_written_as_jsonl_is_read_again(seen: list[Line]) -> None:
    assert list(read_jsonl(as_a_file(write_jsonl(seen)), KNOWN, NOW)) == kept(seen)


@pytest.mark.property
@given(written)
@example([tried("f", detail='two\nlines\rand a \0 and ,;" and  \u2028\x85')])
@example([tried("f", detail=" ")])
def test_what_is_written_as_csv_is_read_again(seen: list[Line]) -> None:
    blind = any(isinstance(line, Blinded) for line in seen)
    assert list(read_csv(as_a_file(write_csv(seen, blind=blind)), KNOWN, NOW)) == kept(seen)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)
columns = st.sampled_from(COLUMNS)


@pytest.mark.property
@given(st.lists(st.text(max_size=40), max_size=6))
def test_no_text_makes_the_readers_raise(lines: list[str]) -> None:
    for numbered in (numbered_jsonl, numbered_csv):
        for number, item in numbered(lines, KNOWN, NOW):
            assert isinstance(item, Malformed)
            assert item.line == number


@pytest.mark.property
@given(st.dictionaries(columns, json_values, max_size=5))
def test_no_json_makes_the_reader_raise_and_every_malformed_line_has_its_number(
    changed: dict[str, object],
) -> None:
    lines = [json.dumps(LINE), json.dumps(LINE | changed)]
    first, second = numbered_jsonl(lines, KNOWN, NOW)
    assert first == (1, good())
    number, item = second
    assert number == 2
    if isinstance(item, Malformed):
        assert item.line == 2
        assert item.reason
    else:
        assert list(read_jsonl(write_jsonl([item]), KNOWN, NOW)) == kept([item])


@pytest.mark.property
@given(st.lists(st.text('ab,"\n\r\0 ', max_size=12), max_size=6))
def test_no_row_makes_the_reader_raise(rows: list[str]) -> None:
    header = ",".join(COLUMNS)
    text = io.StringIO("\n".join([header, *rows]), newline="")
    for number, item in numbered_csv(text, KNOWN, NOW):
        assert isinstance(item, Malformed)
        assert item.line == number >= 2
