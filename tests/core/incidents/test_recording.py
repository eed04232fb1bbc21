"""Events as entries: what is written is read back exactly."""

import json
from collections.abc import Callable
from dataclasses import MISSING, fields
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from uptimed.core.calendars import Second
from uptimed.core.entries import chained
from uptimed.core.incidents import Event, Kind, Opened
from uptimed.core.incidents.recording import ACTS, act_from, body_of, entry_of, event_of
from uptimed.core.observations import Instant
from uptimed.core.support import Fault

TEXTS = st.text(max_size=12)
SECONDS = st.integers(0, 4_000_000_000).map(Second)
OF_NAME = {
    "fault": st.sampled_from(Fault),
    "since": st.none() | SECONDS,
    "reported": st.none() | SECONDS,
    "level": st.integers(1, 9),
    "proposed": st.booleans(),
}


def acts(kind: Kind) -> st.SearchStrategy[Any]:
    made: Callable[..., Any] = ACTS[kind]
    return st.builds(made, **{f.name: OF_NAME.get(f.name, TEXTS) for f in fields(made)})  # type: ignore[arg-type]


EVENTS = st.sampled_from(Kind).flatmap(
    lambda kind: st.builds(
        Event, id=TEXTS, incident=TEXTS, at=SECONDS, by=st.just("ana"), act=acts(kind),
        sequence=st.just(7),
    )
)  # fmt: skip


@pytest.mark.property
@given(EVENTS)
def test_an_event_is_read_back_from_its_entry_as_it_was(event: Event) -> None:
    last = None
    for number in range(1, 8):  # its place is its order
        last = chained(entry_of(event, "crm"), "acme", Instant(0), number, last)

    assert last is not None
    assert event_of(last) == event


@pytest.mark.property
@given(EVENTS)
def test_what_is_kept_are_texts_whole_numbers_and_nothing_else(event: Event) -> None:
    plain = json.loads(json.dumps(body_of(event)))

    assert plain == body_of(event)
    assert all(isinstance(value, str | int | None) for value in plain.values())


def test_every_kind_of_event_has_its_act() -> None:
    assert {kind: act.kind for kind, act in ACTS.items()} == {kind: kind for kind in Kind}


@pytest.mark.parametrize("kind", list(Kind))
def test_what_a_stranger_describes_is_the_act_or_is_refused_with_the_missing_key(
    kind: Kind,
) -> None:
    needed = [f.name for f in fields(ACTS[kind]) if f.default is MISSING]  # type: ignore[arg-type]
    said: dict[str, object] = {name: 1 if name == "level" else "x" for name in needed}

    assert act_from(str(kind), said).kind is kind
    for name in needed:
        with pytest.raises(ValueError, match=f"^{name}: an event of kind {kind} needs it"):
            act_from(str(kind), {k: v for k, v in said.items() if k != name})


@pytest.mark.parametrize(
    ("kind", "said", "why"),
    [
        pytest.param("moved", {}, "kind: found 'moved', wanted opened, reported", id="kind"),
        pytest.param("update", {"word": "x"}, "word: an event of kind update has words", id="key"),
        pytest.param("update", {"words": 7}, "words: found 7, wanted a text", id="type"),
        pytest.param("escalated", {"level": True}, "level: found True, wanted a whole", id="bool"),
        pytest.param(
            "severity", {"severity": "x", "proposed": "no"}, "proposed: found 'no', wanted true",
            id="truth",
        ),
        pytest.param(
            "severity", {"severity": "x", "fault": "ours"}, "wanted vendor, client or third_party",
            id="fault",
        ),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_strangers_act_is_said(
    kind: str, said: dict[str, object], why: str
) -> None:
    with pytest.raises(ValueError, match=why):
        act_from(kind, said)


def test_an_opening_needs_no_more_than_its_service() -> None:
    assert act_from("opened", {"service": "crm"}) == Opened(service="crm")
