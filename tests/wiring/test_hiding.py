"""A secret that somebody pastes into words is hidden in them, and nothing else is touched."""

import json

import pytest

from uptimed.core.entries import EntryKind, NewEntry
from uptimed.core.incidents import Act, CauseFound, Closed, Noted, Opened, Paused
from uptimed.core.masking import masker
from uptimed.core.terms import canonical_json
from uptimed.wiring.hiding import hidden_in_act, hidden_in_entry

SECRET = "canary-7f3a"
MASK = masker([SECRET])


@pytest.mark.parametrize(
    ("act", "hidden"),
    [
        (Noted(words=f"with {SECRET}"), Noted(words="with ***")),
        (CauseFound(cause=SECRET, remedy=f"no {SECRET}"), CauseFound(cause="***", remedy="no ***")),
        (Closed(), Closed()),
        (Opened(service=SECRET, stage="test", words=SECRET, ticket=SECRET),
         Opened(service=SECRET, stage="test", words="***", ticket=SECRET)),
        (Paused(reason=SECRET, words=SECRET), Paused(reason=SECRET, words="***")),
    ],
    ids=["words", "cause and remedy", "nothing", "no identifiers", "no reason of the contract's"],
)  # fmt: skip
def test_words_of_an_act_are_hidden_and_nothing_that_is_judged_by(act: Act, hidden: Act) -> None:
    assert hidden_in_act(act, MASK) == hidden


def test_words_of_a_body_are_hidden_in_lists_too_and_figures_stay() -> None:
    said = {"why": f"{SECRET}!", "evidence": ["a log", SECRET], "start": SECRET, "revision": 12}
    new = NewEntry(
        kind=EntryKind.CORRECTION, subject="C-1", by="ana", body=canonical_json(said), key="k"
    )
    hidden = hidden_in_entry(new, masker([SECRET, "12"]))
    wanted = {"why": "***!", "evidence": ["a log", "***"], "start": SECRET, "revision": 12}
    assert json.loads(hidden.body) == wanted
    assert (hidden.subject, hidden.by, hidden.key) == ("C-1", "ana", "k")


def test_a_body_without_words_stays_as_it_is() -> None:
    new = NewEntry(kind=EntryKind.REPORT, subject="2026-10", by="uptimed", body='{"revision":1}')
    assert hidden_in_entry(new, MASK) is new
