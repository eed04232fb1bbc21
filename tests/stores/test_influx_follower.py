"""Whatever the server does, every point arrives, and the journal never notices."""

import asyncio
import gzip
import json
import logging
import socket
import ssl
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import trustme
from aiohttp import web

from tests.stores.following import (
    LETTERS,
    LOOKS,
    HastyClock,
    Vault,
    following,
    influx_of,
    keys_of,
    looks_there,
    opened,
    settings_for,
    terms_record,
    until,
)
from tests.stores.influx_double import (
    InfluxDouble,
    Key,
    Reply,
    answer,
    half,
    hang,
    influx_double,
    page,
    reset,
)
from tests.stores.making import NOON, attempt, letters
from uptimed.config import load
from uptimed.core.minutes import start_of
from uptimed.core.observations import SECOND, Attempt, Outcome
from uptimed.core.settings import Settings
from uptimed.core.strip import Strip
from uptimed.ports import Batch, StoreError
from uptimed.stores import influx_points as points
from uptimed.stores import influx_records as records
from uptimed.stores.influx_follower import (
    SIGN_OF_LIFE,
    CursorNames,
    InfluxFollower,
    backlog,
    delay_us,
)
from uptimed.stores.influx_server import Answer, Means, packed, retry_after_us
from uptimed.stores.sqlite import SqliteJournal


@pytest.fixture
async def double() -> AsyncIterator[InfluxDouble]:
    async with influx_double(LOOKS, LETTERS) as made:
        yield made


@pytest.fixture
async def journal(tmp_path: Path) -> AsyncIterator[SqliteJournal]:
    async with SqliteJournal(tmp_path / "uptimed.db") as made:
        yield made


@pytest.fixture
def settings(double: InfluxDouble, tmp_path: Path) -> Settings:
    return settings_for(double.url, tmp_path, 'timeout = "300ms"\nbatch_size = 50')


def some(count: int, start: int = NOON) -> list[Attempt]:
    return [attempt(start + n, detail=f"look {n}") for n in range(count)]


async def write(journal: SqliteJournal, attempts: Sequence[Attempt], strip: str = "") -> None:
    laid = letters(strip).letters if strip else ()
    await journal.write(Batch(attempts=attempts, letters=laid))


def arrived(double: InfluxDouble, attempts: Sequence[Attempt]) -> bool:
    return looks_there(double.points[LOOKS]) == keys_of(attempts)


def of_kind(double: InfluxDouble, measurement: str) -> list[Key]:
    return [key for key in double.points[LETTERS] if key[0] == measurement]


def cursor(journal: SqliteJournal, settings: Settings) -> tuple[int, int]:
    names = CursorNames.of(influx_of(settings))
    with journal.reader() as reader:
        return reader.cursor(names.looks), reader.cursor(names.letters)


async def test_looks_and_letters_and_outages_arrive(
    double: InfluxDouble, journal: SqliteJournal, settings: Settings
) -> None:
    looks = some(4)
    await journal.write(Batch(configs=[terms_record(settings, looks[0].at)]))
    await write(journal, looks, "UDDU")
    async with following(settings, journal) as follower:
        await until(lambda: len(double.points[LOOKS]) == 4 and len(double.points[LETTERS]) == 8)
        await until(lambda: backlog_of(journal, settings) == 0)
        assert follower.view().error == ""
    assert arrived(double, looks)
    (_, tags, _) = next(iter(double.points[LOOKS]))
    assert dict(tags) == {
        "client": "acme", "kind": "tcp", "probe": "front", "role": "reach", "service": "acme-crm",
        "vantage": "local",
    }  # fmt: skip
    assert sorted(m for m, *_ in double.points[LETTERS]) == [
        records.DAY, records.LAID, *[points.MINUTE_OF] * 4, points.OUTAGE, records.TERMS,
    ]  # fmt: skip
    assert double.authorizations == {"Token good-token"}


def backlog_of(journal: SqliteJournal, settings: Settings) -> int:
    with journal.reader() as reader:
        return backlog(reader, influx_of(settings))


async def test_what_is_written_while_it_follows_arrives_too(
    double: InfluxDouble, journal: SqliteJournal, settings: Settings
) -> None:
    async with following(settings, journal):
        for n in range(3):
            await write(journal, some(n + 1)[n:])
            await until(lambda n=n: len(double.points[LOOKS]) == n + 1)  # type: ignore[misc]
    assert len(double.accepted) == 3


async def test_it_goes_on_where_it_was_and_sends_nothing_twice(
    double: InfluxDouble, journal: SqliteJournal, settings: Settings
) -> None:
    looks = some(120)
    await write(journal, looks[:70])
    async with following(settings, journal):
        await until(lambda: cursor(journal, settings)[0] >= 70)
    await write(journal, looks[70:])
    async with following(settings, journal):
        await until(lambda: len(double.accepted) >= 120)
    assert len(double.accepted) == 120
    assert max(double.sizes) == 50


async def test_another_bucket_gets_everything_from_the_beginning(
    double: InfluxDouble, journal: SqliteJournal, settings: Settings, tmp_path: Path
) -> None:
    await write(journal, some(3))
    async with following(settings, journal):
        await until(lambda: cursor(journal, settings)[0] > 0)
    double.points["other"] = {}
    async with following(settings_for(double.url, tmp_path, 'bucket_looks = "other"'), journal):
        await until(lambda: len(double.points["other"]) == 3)


# What the server does, and what we do: the table of docs/influxdb.md.

_PASSING = [
    pytest.param(answer(429, "too many requests", "slow down"), "429", id="429"),
    pytest.param(answer(503, "unavailable", "starting"), "503", id="503"),
    pytest.param(answer(500, "internal error", "oops"), "500", id="500"),
    pytest.param(answer(507, "full", "no space left"), "its disk is full", id="507"),
    pytest.param(answer(401, "unauthorized", "no"), "the token is wrong", id="401"),
    pytest.param(answer(403, "forbidden", "no"), "may not write to this bucket", id="403"),
    pytest.param(answer(404, "not found", "no"), "no such bucket or organisation", id="404"),
    pytest.param(answer(405), "status 405", id="405"),
    pytest.param(answer(302, Location="/signin"), "it sends us elsewhere", id="redirect"),
    pytest.param(answer(308, Location="/x"), "it sends us elsewhere", id="permanent redirect"),
    pytest.param(page(200), "not InfluxDB's API", id="HTML and 200"),
    pytest.param(page(502), "a page of HTML", id="HTML and 502"),
    pytest.param(answer(503, "x", "y" * 10_000), "yyy…", id="a long message"),
    pytest.param(hang, "nothing within 0.3 s", id="hanging"),
    pytest.param(reset, "Server disconnected", id="reset"),
    pytest.param(half, "its answer broke off", id="half an answer"),
]


@pytest.mark.parametrize(("reply", "told"), _PASSING)
async def test_what_passes_is_waited_out_and_told(
    double: InfluxDouble, journal: SqliteJournal, settings: Settings, reply: Reply, told: str
) -> None:
    double.always = reply
    looks = some(60)
    await write(journal, looks)
    async with following(settings, journal) as follower:
        await until(lambda: follower.view().error != "")
        assert told in follower.view().error
        assert "good-token" not in follower.view().error
        assert len(follower.view().error) < 500
        assert cursor(journal, settings)[0] == 0
        double.always = None
        await until(lambda: arrived(double, looks))
        await until(lambda: follower.view().error == "")
    assert len(double.accepted) == 60
    assert follower.set_aside == 0


@pytest.mark.parametrize(
    ("reply", "least_us", "most_us"),
    [
        pytest.param(answer(503, "x", "y"), SECOND, SECOND, id="a second at first"),
        pytest.param(answer(503, "x", "y", Retry_After="7"), 7 * SECOND, 9 * SECOND, id="seconds"),
        pytest.param(
            answer(429, "x", "y", Retry_After="120"), 120 * SECOND, 122 * SECOND, id="429"
        ),
        pytest.param(answer(401, "x", "y"), 60 * SECOND, 60 * SECOND, id="a mistake: a minute"),
        pytest.param(
            answer(503, "x", "y", Retry_After="999999"), 3600 * SECOND, 3602 * SECOND, id="an hour"
        ),
        pytest.param(answer(503, "x", "y", Retry_After="soon"), SECOND, SECOND, id="nonsense"),
    ],
)
async def test_it_waits_as_long_as_the_answer_says(
    double: InfluxDouble,
    journal: SqliteJournal,
    settings: Settings,
    reply: Reply,
    least_us: int,
    most_us: int,
) -> None:
    double.plan.append(reply)
    clock = HastyClock()
    await write(journal, some(1))
    async with following(settings, journal, clock=clock):
        await until(lambda: len(double.accepted) == 1)
    waited = [us for us in clock.slept if us != 3 * SECOND]
    assert len(waited) == 1 and least_us <= waited[0] <= most_us


def test_waiting_doubles_up_to_a_minute_and_is_spread() -> None:
    busy = Answer(means=Means.LATER)
    assert [delay_us(n, busy, lambda: 1.0) // SECOND for n in range(1, 9)] == [
        1, 2, 4, 8, 16, 32, 60, 60,
    ]  # fmt: skip
    assert delay_us(3, busy, lambda: 0.0) == 2 * SECOND
    assert delay_us(10**6, busy, lambda: 1.0) == 60 * SECOND
    mistaken = Answer(means=Means.MISTAKEN)
    assert [delay_us(n, mistaken, lambda: 1.0) // SECOND for n in (1, 2, 3, 9)] == [
        60, 120, 240, 300,
    ]  # fmt: skip


def test_retry_after_may_be_a_date() -> None:
    now = attempt().at
    assert retry_after_us("Sat, 03 Oct 2026 12:00:30 GMT", now) == 30 * SECOND
    assert retry_after_us("Sat, 03 Oct 2026 11:00:00 GMT", now) == 0
    assert retry_after_us("Sat, 03 Oct 2026 12:00:30 -0000", now) == 30 * SECOND
    assert retry_after_us("", now) == retry_after_us("٣", now) == 0


async def test_too_large_a_request_is_halved_and_nothing_is_lost(
    double: InfluxDouble, journal: SqliteJournal, settings: Settings
) -> None:
    double.most_lines = 7
    looks = some(100)
    await write(journal, looks)
    async with following(settings, journal) as follower:
        await until(lambda: arrived(double, looks))
    assert len(double.accepted) == 100
    assert len([size for size in double.sizes if size > 7]) <= 6  # it has learnt
    assert follower.set_aside == 0


async def test_requests_grow_again_once_they_are_taken(
    double: InfluxDouble, journal: SqliteJournal, settings: Settings
) -> None:
    double.most_lines = 7
    await write(journal, some(50))
    async with following(settings, journal):
        await until(lambda: len(double.accepted) == 50)
        double.most_lines = 10**9
        await write(journal, some(900, NOON + 50))
        await until(lambda: len(double.accepted) == 950)
    assert max(double.sizes[-5:]) > 20


async def test_a_point_too_large_for_any_request_is_set_aside(
    double: InfluxDouble, journal: SqliteJournal, settings: Settings
) -> None:
    async def refuse_long(request: web.Request) -> web.StreamResponse:
        if len(gzip.decompress(await request.read())) > 3000:
            return await answer(413, "request too large", "too large")(request)
        return web.Response(status=204)

    double.always = refuse_long
    await write(journal, [*some(5), attempt(NOON + 9, detail="x" * 5000)])
    async with following(settings, journal) as follower:
        await until(lambda: follower.set_aside == 1)
        await until(lambda: backlog_of(journal, settings) == 0)


def refused(journal: SqliteJournal) -> list[dict[str, str]]:
    path = journal.path.with_name("uptimed.db-influx-refused.jsonl")
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


@pytest.mark.parametrize("status", [400, 422])
async def test_a_poisoned_point_is_set_aside_and_the_rest_arrives(
    double: InfluxDouble,
    journal: SqliteJournal,
    settings: Settings,
    status: int,
    caplog: pytest.LogCaptureFixture,
) -> None:
    poisoned = {"look 7", "look 93"}
    if status == 400:
        double.bad_line = lambda point: point.fields.get("detail") in poisoned
    else:
        double.bad_type = lambda point: point.fields.get("detail") in poisoned
    looks = some(100)
    await write(journal, looks)
    with caplog.at_level(logging.WARNING):
        async with following(settings, journal) as follower:
            await until(lambda: backlog_of(journal, settings) == 0)
            assert follower.set_aside == 2
            assert follower.view().error == ""
    assert arrived(double, [look for look in looks if look.detail not in poisoned])
    assert [entry["bucket"] for entry in refused(journal)] == [LOOKS, LOOKS]
    assert all(
        f'detail="look {n}"' in e["line"] for n, e in zip((7, 93), refused(journal), strict=True)
    )
    assert str(status) in refused(journal)[0]["reason"]
    assert "1 of the looks refused since the start, set aside in" in caplog.text


async def test_a_poisoned_point_that_stands_alone_is_set_aside_after_a_sign_of_life(
    double: InfluxDouble, journal: SqliteJournal, settings: Settings
) -> None:
    double.bad_line = lambda point: point.measurement == points.LOOK
    await write(journal, some(1))
    async with following(settings, journal) as follower:
        await until(lambda: follower.set_aside == 1)
        await until(lambda: backlog_of(journal, settings) == 0)
    assert {measurement for measurement, *_ in double.points[LOOKS]} == {SIGN_OF_LIFE}


async def test_where_not_even_a_sign_of_life_is_taken_no_point_is_set_aside(
    double: InfluxDouble, journal: SqliteJournal, settings: Settings
) -> None:
    double.always = answer(400, "invalid", "org id must be given")
    looks = some(4)
    await write(journal, looks)
    async with following(settings, journal) as follower:
        await until(lambda: "org id must be given" in follower.view().error)
        await until(lambda: double.requests > 12)
        assert follower.set_aside == 0
        double.always = None
        await until(lambda: arrived(double, looks))
    assert follower.set_aside == 0


async def test_points_beyond_the_buckets_retention_are_left_out_in_few_requests(
    double: InfluxDouble, journal: SqliteJournal, settings: Settings
) -> None:
    looks = some(200)
    double.oldest = looks[130].at * 1000
    await write(journal, looks)
    async with following(settings, journal) as follower:
        await until(lambda: backlog_of(journal, settings) == 0)
        assert follower.expired == 130
        assert follower.set_aside == 0
    assert arrived(double, looks[130:])
    assert double.requests < 20


_BEYOND = "failure writing points to database: partial write: "
_OUTSIDE = (
    "dropped 3 points outside retention policy of duration 72h0m0s - oldest point x at "
    "2026-01-01T00:00:00Z dropped because it violates a Retention Policy Lower Bound dropped=3"
)


@pytest.mark.parametrize(
    ("status", "message"),
    [
        (422, f"{_BEYOND}points beyond retention policy dropped=3"),
        (422, f"{_BEYOND}{_OUTSIDE}"),
        (500, "unexpected error: partial write: points beyond retention policy dropped=3"),
        (422, "data in the request is outside the bucket's retention policy"),
    ],
)
async def test_what_is_beyond_the_retention_is_known_by_what_servers_say_of_it(
    double: InfluxDouble, journal: SqliteJournal, settings: Settings, status: int, message: str
) -> None:
    double.always = answer(status, "x", message)
    await write(journal, some(3))
    async with following(settings, journal) as follower:
        await until(lambda: backlog_of(journal, settings) == 0)
        assert (follower.expired, follower.set_aside) == (3, 0)


async def test_an_outage_that_was_disproved_while_it_did_not_follow_is_withdrawn(
    double: InfluxDouble, journal: SqliteJournal, settings: Settings
) -> None:
    for strip in ("UDDU", "UUUU"):
        await write(journal, [], strip)
        async with following(settings, journal):
            await until(lambda: backlog_of(journal, settings) == 0)
    outages = [of for (m, *_), of in double.points[LETTERS].items() if m == points.OUTAGE]
    assert outages
    assert {of["minutes"] for of in outages} == {0}


async def test_a_set_aside_point_is_not_kept_twice(
    double: InfluxDouble, journal: SqliteJournal, settings: Settings
) -> None:
    double.bad_line = lambda point: point.fields.get("detail") == "look 1"
    await write(journal, some(3))
    names = CursorNames.of(influx_of(settings))
    for _ in range(2):
        async with following(settings, journal):
            await until(lambda: backlog_of(journal, settings) == 0)
        await journal.write(Batch(cursors={names.looks: 0}))  # as if it had been killed before
    assert len(refused(journal)) == 1


async def test_a_torn_line_in_the_file_of_refused_points_spoils_no_other(
    double: InfluxDouble, journal: SqliteJournal, settings: Settings
) -> None:
    double.bad_line = lambda point: point.fields.get("detail") == "look 1"
    path = journal.path.with_name("uptimed.db-influx-refused.jsonl")
    path.write_text('{"at": "2026-', encoding="utf-8")
    await write(journal, some(3))
    async with following(settings, journal):
        await until(lambda: backlog_of(journal, settings) == 0)
    torn, entry = path.read_text(encoding="utf-8").splitlines()
    assert torn == '{"at": "2026-'
    assert json.loads(entry)["bucket"] == LOOKS


async def test_where_the_file_of_refused_points_cannot_be_written_it_waits(
    double: InfluxDouble, journal: SqliteJournal, settings: Settings
) -> None:
    double.bad_line = lambda point: point.fields.get("detail") == "look 1"
    path = journal.path.with_name("uptimed.db-influx-refused.jsonl")
    path.mkdir()
    await write(journal, some(3))
    async with following(settings, journal) as follower:
        await until(lambda: "here:" in follower.view().error)
        assert follower.set_aside == 0
        path.rmdir()
        await until(lambda: follower.set_aside == 1)
        await until(lambda: follower.view().error == "")
    assert len(refused(journal)) == 1


# The server away, and back.


async def test_a_server_that_is_away_for_long_gets_everything_once_when_it_is_back(
    double: InfluxDouble, journal: SqliteJournal, tmp_path: Path
) -> None:
    # What is not answered in time is sent again: on a busy machine that may take a second.
    settings = settings_for(double.url, tmp_path, 'timeout = "10s"\nbatch_size = 50')
    port = double.port
    await double.stop()
    looks: list[Attempt] = []
    clock = HastyClock(start_of(NOON))
    async with following(settings, journal, clock=clock) as follower:
        for hour in range(24):
            new = some(60, NOON + 60 * hour)
            await journal.write(
                Batch(
                    attempts=new,
                    letters=[("acme-crm", Strip(NOON, "U" * 60 * (hour + 1)), "terms")],
                )
            )
            looks += new
        await until(lambda: follower.view().backlog > 24 * 60)
        assert follower.view().lag_us > 0
        assert "cannot connect to 127.0.0.1" in follower.view().error
        assert max(clock.slept) <= 60 * SECOND
        double.port = port
        await double.start()
        await until(lambda: arrived(double, looks))
        await until(lambda: len(of_kind(double, points.MINUTE_OF)) == 24 * 60)
        await until(lambda: follower.view().lag_us == 0)
        assert follower.view().backlog == 0
    kinds = Counter(point.measurement for point in double.accepted)
    assert kinds == {  # each once
        points.LOOK: 24 * 60, points.MINUTE_OF: 24 * 60, records.LAID: 24, records.DAY: 2,
    }  # fmt: skip


async def test_the_backlog_is_told_while_the_server_is_away(
    double: InfluxDouble, journal: SqliteJournal, settings: Settings
) -> None:
    double.always = answer(503, "x", "away")
    clock = HastyClock(start_of(NOON) + 600 * SECOND)
    await write(journal, some(10))
    async with following(settings, journal, clock=clock) as follower:
        await until(lambda: follower.view().backlog == 10)
        assert follower.view().lag_us >= 600 * SECOND
        assert follower.view().name == "influx"
        await write(journal, some(5, NOON + 10))
        await until(lambda: follower.view().backlog == 15)
    assert backlog_of(journal, settings) == 15


async def test_letters_go_on_where_only_the_bucket_of_looks_is_missing(
    double: InfluxDouble, journal: SqliteJournal, settings: Settings
) -> None:
    kept = double.points.pop(LOOKS)
    await write(journal, some(3), "UUU")
    async with following(settings, journal) as follower:
        await until(lambda: len(of_kind(double, points.MINUTE_OF)) == 3)
        await until(lambda: follower.view().error != "")
        assert "looks: status 404" in follower.view().error
        double.points[LOOKS] = kept
        await until(lambda: arrived(double, some(3)))


async def test_memory_holds_one_request_however_much_waits(
    double: InfluxDouble, journal: SqliteJournal, settings: Settings
) -> None:
    double.always = answer(503, "x", "away")
    await write(journal, some(2000))
    async with opened(settings, journal) as follower:
        stream = follower._streams[0]
        await stream._begin()
        parcel = await stream._next()
        assert (len(parcel.lines), parcel.full) == (50, True)


# Ours, not the server's.


async def test_a_token_that_is_not_there_is_told_and_waited_for(
    double: InfluxDouble, journal: SqliteJournal, settings: Settings
) -> None:
    vault = Vault("")
    await write(journal, some(1))
    async with following(settings, journal, vault=vault) as follower:
        await until(lambda: "TOKEN is not set" in follower.view().error)
        assert double.requests == 0
        vault.token = "good-token"
        await until(lambda: len(double.accepted) == 1)


async def test_a_changed_token_is_used_at_the_next_request(
    double: InfluxDouble, journal: SqliteJournal, settings: Settings
) -> None:
    vault = Vault("old-token")
    await write(journal, some(1))
    async with following(settings, journal, vault=vault) as follower:
        await until(lambda: "status 401" in follower.view().error)
        vault.token = "good-token"
        await until(lambda: len(double.accepted) == 1)


async def test_a_token_that_fits_no_header_is_told_without_being_shown(
    double: InfluxDouble, journal: SqliteJournal, settings: Settings
) -> None:
    await write(journal, some(1))
    async with following(settings, journal, vault=Vault("canary\r\nX: y")) as follower:
        await until(lambda: "characters of no token" in follower.view().error)
        assert "canary" not in follower.view().error


async def test_nothing_that_is_logged_holds_the_token(
    double: InfluxDouble,
    journal: SqliteJournal,
    settings: Settings,
    caplog: pytest.LogCaptureFixture,
) -> None:
    double.plan += [answer(401, "x", "y"), reset, page(200), answer(503, "x", "y")]
    await write(journal, some(3))
    with caplog.at_level(logging.DEBUG):
        async with following(settings, journal) as follower:
            await until(lambda: len(double.accepted) == 3)
            await until(lambda: follower.view().error == "")
    assert "arrive again" in caplog.text
    assert "good-token" not in caplog.text


@pytest.mark.parametrize("before", [0, 290, 16_380], ids=["amid", "edge of told", "edge of read"])
async def test_a_token_that_comes_back_is_masked_before_the_answer_is_cut_off(
    double: InfluxDouble, journal: SqliteJournal, settings: Settings, before: int
) -> None:
    double.always = answer(401, "unauthorized", "x" * before + " Token good-token is not allowed")
    await write(journal, some(1))
    async with following(settings, journal) as follower:
        await until(lambda: "status 401" in follower.view().error)
        assert "good" not in follower.view().error


async def test_a_journal_that_cannot_be_written_stops_nothing_but_the_cursor(
    double: InfluxDouble, journal: SqliteJournal, settings: Settings
) -> None:
    class Ailing:
        path = journal.path
        ill = True

        async def write(self, batch: Batch) -> None:
            if self.ill:
                raise StoreError("the disk is full")
            await journal.write(batch)

        async def allow_following(self) -> None:
            await journal.allow_following()

    ailing = Ailing()
    await write(journal, some(3))
    async with following(settings, ailing) as follower:  # type: ignore[arg-type]
        await until(lambda: "the disk is full" in follower.view().error)
        assert cursor(journal, settings) == (0, 0)
        ailing.ill = False
        await until(lambda: backlog_of(journal, settings) == 0)
        await until(lambda: follower.view().error == "")


async def test_another_client_is_named_from_then_on(
    double: InfluxDouble, journal: SqliteJournal, settings: Settings, tmp_path: Path
) -> None:
    (tmp_path / "new").mkdir()
    path = tmp_path / "uptimed.toml"
    await write(journal, some(1))
    async with following(settings, journal) as follower:
        await until(lambda: len(double.accepted) == 1)
        path.write_text(path.read_text().replace('id = "acme"', 'id = "globex"'))
        follower.use(load(path).settings)
        await write(journal, some(1, NOON + 1))
        await until(lambda: len(double.accepted) == 2)
    assert [point.tags["client"] for point in double.accepted] == ["acme", "globex"]


# TLS.


@asynccontextmanager
async def _encrypted(authority: trustme.CA) -> AsyncIterator[int]:
    """Serve what takes every write, over TLS."""

    async def take(request: web.Request) -> web.StreamResponse:
        await request.read()
        return web.Response(status=204)

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    app = web.Application()
    app.router.add_post("/api/v2/write", take)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.01)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context).start()
    try:
        yield int(runner.addresses[0][1])
    finally:
        await runner.cleanup()


@pytest.mark.parametrize("trusted", [True, False])
async def test_a_server_is_trusted_by_the_authority_of_ca_file_and_by_no_other(
    journal: SqliteJournal, tmp_path: Path, trusted: bool
) -> None:
    authority, stranger = trustme.CA(), trustme.CA()
    (authority if trusted else stranger).cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    await write(journal, some(1))
    async with _encrypted(authority) as port:
        settings = settings_for(f"https://127.0.0.1:{port}", tmp_path, 'ca_file = "ca.pem"')
        async with following(settings, journal) as follower:
            if trusted:
                await until(lambda: follower.sent == 1)
            else:
                await until(lambda: "TLS: " in follower.view().error)
                assert follower.sent == 0


async def test_an_address_where_nobody_answers_gives_up_within_the_time_to_connect(
    journal: SqliteJournal, tmp_path: Path
) -> None:
    with socket.socket() as full:  # its queue is full: a further connection is not answered
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        port = full.getsockname()[1]
        with socket.create_connection(("127.0.0.1", port)):
            settings = settings_for(
                f"http://127.0.0.1:{port}", tmp_path, 'connect_timeout = "100ms"'
            )
            await write(journal, some(1))
            async with following(settings, journal) as follower:
                await until(lambda: "no connection within 0.1 s" in follower.view().error)


# Accounts.


async def test_two_accounts_at_one_instant_are_two_points_and_sent_again_still_two(
    double: InfluxDouble, journal: SqliteJournal, settings: Settings
) -> None:
    looks = [
        attempt(probe="login", account=n, outcome=Outcome.REJECTED, cause="login_rejected")
        for n in (1, 2)
    ]
    await write(journal, looks)
    names = CursorNames.of(influx_of(settings))
    for _ in range(2):
        async with following(settings, journal):
            await until(lambda: backlog_of(journal, settings) == 0)
        await journal.write(Batch(cursors={names.looks: 0}))
    assert len(double.accepted) == 4
    assert arrived(double, looks)


def test_what_is_sent_is_compressed() -> None:
    line = "uptimed_look,service=x passed=1i 1"
    assert gzip.decompress(packed([line] * 3)).decode() == "\n".join([line] * 3)
    assert len(packed([line] * 1000)) < 1000


async def test_it_can_be_ended_while_the_server_hangs(
    double: InfluxDouble, journal: SqliteJournal, settings: Settings
) -> None:
    double.always = hang
    await write(journal, some(1))
    async with asyncio.timeout(2):
        async with following(settings, journal) as follower:
            await until(lambda: double.requests > 0)
    assert isinstance(follower, InfluxFollower)
