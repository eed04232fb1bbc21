"""Log lines, for people and for machines."""

import io
import json
import logging
from collections.abc import Iterator

import pytest
from typing_extensions import override

from uptimed.core.masking import masker
from uptimed.logs import mask_with, set_up


class Terminal(io.StringIO):
    @override
    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def restored() -> Iterator[None]:
    """Leave logging as it was."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)


def say(form: str, stream: io.StringIO, *, level: str = "info") -> str:
    set_up(level, form, stream)
    log = logging.getLogger("uptimed.daemon.run")
    log.debug("unheard")
    log.info("started: %d services", 3)
    log.warning("acme-crm down: status %s", "500\x1b[2J")
    return stream.getvalue()


def test_machines_get_an_object_a_line() -> None:
    lines = [json.loads(line) for line in say("json", io.StringIO()).splitlines()]
    assert [(line["level"], line["message"]) for line in lines] == [
        ("info", "started: 3 services"), ("warning", "acme-crm down: status 500\x1b[2J"),
    ]  # fmt: skip
    assert lines[0]["logger"] == "uptimed.daemon.run"
    assert lines[0]["at"].endswith("Z") and len(lines[0]["at"]) == len("2026-10-03T14:07:12.250Z")


def test_machines_are_told_what_a_line_is_about() -> None:
    stream = io.StringIO()
    set_up("info", "json", stream)
    logging.getLogger("x").info("down", extra={"service": "acme-crm"})
    assert json.loads(stream.getvalue())["service"] == "acme-crm"


def test_people_get_a_line_that_their_terminal_does_not_obey() -> None:
    text = say("text", io.StringIO())
    assert text.splitlines()[1].endswith(r" warning: acme-crm down: status 500\x1b[2J")
    assert "\x1b" not in text


@pytest.mark.parametrize(
    ("stream", "json_lines"), [(io.StringIO(), True), (Terminal(), False)], ids=["file", "terminal"]
)
def test_a_terminal_means_people_unless_told(stream: io.StringIO, *, json_lines: bool) -> None:
    assert say("auto", stream).startswith("{") is json_lines


def test_warnings_are_coloured_on_a_terminal() -> None:
    calm, warning = say("text", Terminal()).splitlines()
    assert "\x1b" not in calm
    assert warning.startswith("\x1b[33m") and warning.endswith("\x1b[0m")


def test_a_line_break_in_a_message_is_no_second_line_for_machines() -> None:
    stream = io.StringIO()
    set_up("info", "json", stream)
    logging.getLogger("x").error("one\ntwo")
    assert len(stream.getvalue().splitlines()) == 1


def test_a_traceback_is_kept_in_its_line() -> None:
    stream = io.StringIO()
    set_up("info", "json", stream)
    try:
        raise LookupError("lost")
    except LookupError:
        logging.getLogger("x").exception("a bug")
    said = json.loads(stream.getvalue())
    assert "LookupError: lost" in said["traceback"]


def test_what_others_chatter_is_not_heard() -> None:
    stream = io.StringIO()
    set_up("debug", "json", stream)
    logging.getLogger("asyncio").info("chatter")
    assert stream.getvalue() == ""


@pytest.mark.parametrize("form", ["text", "json"])
def test_a_traceback_shows_no_secret_and_commands_no_terminal(form: str) -> None:
    stream = io.StringIO()
    set_up("info", form, stream)
    mask_with(masker(["canary-7f3a"]))
    try:
        raise LookupError("canary-7f3a is lost\x1b[2J")
    except LookupError:
        logging.getLogger("uptimed.x").exception("a bug")
    assert "*** is lost" in stream.getvalue()
    assert "canary" not in stream.getvalue() and "\x1b" not in stream.getvalue()


def test_what_a_library_logs_is_masked_and_what_we_worded_is_not_searched() -> None:
    stream = io.StringIO()
    set_up("info", "text", stream)
    mask_with(masker(["canary-7f3a"]))
    logging.getLogger("library").warning("asked for canary-7f3a")
    logging.getLogger("uptimed.x").warning("canary-7f3a down")
    assert [line.partition("warning: ")[2] for line in stream.getvalue().splitlines()] == [
        "asked for ***", "canary-7f3a down",
    ]  # fmt: skip


def test_a_terminal_that_is_shown_json_does_not_obey_it_either() -> None:
    stream = io.StringIO()
    set_up("info", "json", stream)
    logging.getLogger("uptimed.x").info("one\x9b2J\u202etwo")
    assert stream.getvalue().isascii()
    assert json.loads(stream.getvalue())["message"] == "one\x9b2J\u202etwo"
