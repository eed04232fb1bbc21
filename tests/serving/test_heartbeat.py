"""The dead man's switch: a URL that is called, and whose trouble is told once."""

import pytest

from tests.endtoend.daemons import Target
from uptimed.heartbeat import Heartbeat


def messages(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.name == "uptimed.heartbeat"]


async def test_it_is_called_and_nothing_is_said(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    with Target() as switch:
        async with Heartbeat("0.1.0") as heartbeat:
            await heartbeat.ping(f"{switch.url}ping")
    assert switch.asked == ["/ping"]
    assert messages(caplog) == []


async def test_trouble_is_told_once_and_so_is_its_end(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    with Target() as switch:
        async with Heartbeat("0.1.0") as heartbeat:
            switch.answer = (503, b"")
            for _ in range(3):
                await heartbeat.ping(f"{switch.url}s3cret")
            switch.answer = (200, b"")
            for _ in range(3):
                await heartbeat.ping(f"{switch.url}s3cret")
    assert messages(caplog) == [
        "the dead man's switch does not answer: status 503",
        "the dead man's switch answers again",
    ]


@pytest.mark.parametrize("url", ["http://127.0.0.1:9/s3cret", "s3cret", "http://[s3cret"])
async def test_what_cannot_be_called_is_told_without_the_address(
    caplog: pytest.LogCaptureFixture, url: str
) -> None:
    async with Heartbeat("0.1.0") as heartbeat:
        await heartbeat.ping(url)
    assert len(messages(caplog)) == 1
    assert "s3cret" not in caplog.text


async def test_a_redirect_is_an_answer_and_not_followed() -> None:
    with Target() as switch:
        switch.answer = (302, b"")
        async with Heartbeat("0.1.0") as heartbeat:
            await heartbeat.ping(switch.url)
    assert switch.asked == ["/"]
