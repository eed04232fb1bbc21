"""When a session is kept, read from, refused, renewed and left, as the other side counts it."""

import pytest

from tests.fakes import FakeClock
from tests.probes.office import Ask, Office, login_probe, login_settings, open_office, page, to
from uptimed.core.judging import judge
from uptimed.core.observations import Cause, Instant, Login, LoginVerdict, Outcome

NOW = Instant(0)
FULL = ["GET /login", "POST /login", "GET /home", "GET /home"]
READ = ["GET /home"]
LEAVE = ["GET /logout"]


async def test_a_session_is_read_from_in_every_look_and_renewed_when_it_is_due() -> None:
    clock, asked = FakeClock(), []
    async with open_office(Office()) as office, login_probe(clock) as probe:
        for _ in range(7):
            seen = await probe(login_settings(office.url, login_every=5))
            assert isinstance(seen.outcome, Login) and seen.outcome.verdict is LoginVerdict.OK
            asked.append(office.seen())
            clock.stall(59.9)

    assert asked == [FULL, READ, READ, READ, READ, LEAVE + FULL, READ]


async def test_a_refused_session_is_followed_by_a_full_login_at_once() -> None:
    async with open_office(Office()) as office, login_probe(FakeClock()) as probe:
        settings = login_settings(office.url)
        await probe(settings)
        office.seen()
        office.sessions.clear()
        seen = await probe(settings)

        assert office.seen() == READ + FULL
        assert judge(seen, settings, now=NOW).outcome is Outcome.PASS


async def test_every_session_is_left_at_the_end() -> None:
    async with open_office(Office()) as office:
        async with login_probe(FakeClock()) as probe:
            await probe(login_settings(office.url))
            assert len(office.sessions) == 1
            office.seen()

        assert office.seen() == LEAVE
        assert not office.sessions


async def test_a_read_that_goes_wrong_is_an_error_and_the_next_attempt_signs_in_anew() -> None:
    async with open_office(Office()) as office, login_probe(FakeClock()) as probe:
        settings = login_settings(office.url)
        await probe(settings)
        office.seen()
        office.twists["/home"] = lambda _: page("oops", status=500)
        broken = await probe(settings)
        del office.twists["/home"]
        after = await probe(settings)

        assert judge(broken, settings, now=NOW).cause is Cause.LOGIN_ERROR
        assert office.seen() == READ + LEAVE + FULL
        assert judge(after, settings, now=NOW).outcome is Outcome.PASS


async def test_a_sign_out_that_fails_does_not_fail_the_login() -> None:
    clock = FakeClock()
    async with open_office(Office()) as office, login_probe(clock) as probe:
        settings = login_settings(office.url)
        office.twists["/logout"] = lambda _: page("", status=500)
        await probe(settings)
        clock.stall(300)

        assert judge(await probe(settings), settings, now=NOW).outcome is Outcome.PASS


async def test_another_password_is_another_session() -> None:
    known = {"P1": "old-password"}
    async with open_office(Office()) as office, login_probe(FakeClock(), known) as probe:
        office.password = "old-password"
        await probe(login_settings(office.url))
        office.seen()
        known["P1"] = office.password = "new-password"
        await probe(login_settings(office.url))

        assert office.seen() == LEAVE + FULL


async def test_two_accounts_keep_their_cookies_apart() -> None:
    known = {"P1": Office.password, "P2": "other-password"}
    async with open_office(Office()) as office, login_probe(FakeClock(), known) as probe:
        await probe(login_settings(office.url))
        office.asked.clear()
        await probe(login_settings(office.url, username="probe2", password="P2"))

        assert office.asked[0].cookies == {}


RETRY = [
    pytest.param(429, "", Outcome.BLOCKED, id="429"),
    pytest.param(503, "Down for maintenance", Outcome.MAINTENANCE, id="503"),
]


@pytest.mark.parametrize(("status", "body", "outcome"), RETRY)
async def test_nothing_is_asked_before_retry_after(
    status: int, body: str, outcome: Outcome
) -> None:
    clock = FakeClock()
    async with open_office(Office()) as office, login_probe(clock) as probe:
        settings = login_settings(office.url)
        late = {"Retry-After": "90"}
        office.twists["/login"] = lambda _: page(body, status=status, headers=late)
        first = judge(await probe(settings), settings, now=NOW)
        office.twists.clear()
        office.seen()
        clock.stall(89)
        waiting = judge(await probe(settings), settings, now=NOW)
        asked = office.seen()
        clock.stall(2)
        after = judge(await probe(settings), settings, now=NOW)

    assert first.outcome is outcome
    assert (waiting.outcome, waiting.cause) == (Outcome.BLOCKED, Cause.LOGIN_WAITING)
    assert asked == []
    assert "Retry-After" in waiting.detail
    assert after.outcome is Outcome.PASS


async def test_retry_after_may_be_a_date_and_is_no_longer_than_an_hour() -> None:
    clock = FakeClock("2026-10-03 14:00:00")
    async with open_office(Office()) as office, login_probe(clock) as probe:
        settings = login_settings(office.url)
        late = {"Retry-After": "Sun, 04 Oct 2026 14:00:00 GMT"}
        office.twists["/login"] = lambda _: page("", status=429, headers=late)
        await probe(settings)
        office.twists.clear()
        clock.stall(3599)
        waiting = judge(await probe(settings), settings, now=NOW)
        clock.stall(2)
        after = judge(await probe(settings), settings, now=NOW)

    assert waiting.outcome is Outcome.BLOCKED
    assert after.outcome is Outcome.PASS


async def test_rejected_tries_are_held_to_their_budget() -> None:
    clock = FakeClock()
    async with open_office(Office()) as office, login_probe(clock, {"P1": "wrong"}) as probe:
        settings = login_settings(office.url)
        readings = []
        for _ in range(5):
            readings.append(judge(await probe(settings), settings, now=NOW))
            clock.stall(60)
        tries = office.seen().count("POST /login")
        clock.stall(3600)
        later = judge(await probe(settings), settings, now=NOW)

    assert [reading.cause for reading in readings] == [
        *[Cause.LOGIN_REJECTED] * 3,
        *[Cause.LOGIN_WAITING] * 2,
    ]
    assert tries == 3
    assert later.cause is Cause.LOGIN_REJECTED


async def test_a_success_that_is_bounced_is_a_session_that_is_not_kept() -> None:
    async with open_office(Office()) as office, login_probe(FakeClock()) as probe:
        settings = login_settings(office.url)
        office.twists["/home"] = lambda _: to("/login")
        reading = judge(await probe(settings), settings, now=NOW)

    assert reading.outcome is Outcome.FAIL
    assert "login accepted, but the session is not kept" in reading.detail


async def test_a_rejection_behind_a_redirect_is_a_rejection() -> None:
    def refuse(ask: Ask) -> object:
        return to("/said") if ask.method == "POST" else None

    async with open_office(Office()) as office, login_probe(FakeClock()) as probe:
        settings = login_settings(office.url)
        office.twists["/login"] = refuse  # type: ignore[assignment]
        office.twists["/said"] = lambda _: page("<p>Invalid   <b>credentials</b></p>")
        reading = judge(await probe(settings), settings, now=NOW)

    assert reading.outcome is Outcome.REJECTED
    assert reading.detail == "landing: it says 'invalid credentials', status 200"
