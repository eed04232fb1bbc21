"""What docs/classify.md draws as letters is what the rules make."""

import re

import pytest

from tests.docs.pages import indented, named, section, tables
from uptimed.core.letters import group_state, judge_minute, merge_vantages
from uptimed.core.looks import FAILED, PASSED, UNMEASURED, Look, decide, hold
from uptimed.core.minutes import Minute
from uptimed.core.observations import Outcome
from uptimed.core.outages import outages
from uptimed.core.strip import Strip
from uptimed.core.terms import AttemptRule, ProbeTerms, Role, WatchTerms
from uptimed.daemon.look import decided

_ROLES = {
    "reach": Role.REACH, "front": Role.REACH, "health": Role.REACH,
    "login": Role.LOGIN, "function": Role.FUNCTION,
}  # fmt: skip
_STATUS = {"pass": PASSED, "up": PASSED, "fail": FAILED, "–": UNMEASURED}
_STATES = {"up": "up", "down": "down", "not measured": "not_measured"}

_DRAWN = [
    {label: drawn for label, drawn, *_ in (line.split() for line in piece)}
    for piece in indented(section("classify.md", "Examples"))
    if any(line.startswith("letter") for line in piece)
]
_STORIES = [drawing for drawing in _DRAWN if len(drawing) > 1]


@pytest.mark.parametrize("drawing", _STORIES, ids=lambda drawing: drawing["letter"])
def test_the_letters_of_an_example_follow_from_its_looks(drawing: dict[str, str]) -> None:
    rows = {label: row for label, row in drawing.items() if label != "letter"}
    roles = [_ROLES[label] for label in rows]
    terms = WatchTerms(
        service="acme-crm",
        probes=tuple(ProbeTerms(id=label, role=_ROLES[label], kind="http") for label in rows),
        need={role: roles.count(role) for role in roles},
        vantages=("local",),
        min_vantages=1,
    )
    minutes = zip(*rows.values(), strict=True)
    made = [judge_minute(dict(zip(rows, held, strict=True)), terms).mark for held in minutes]
    assert "".join(made) == drawing["letter"]


def test_there_are_examples() -> None:
    assert len(_STORIES) >= 7


def test_the_outage_with_a_hole_is_as_long_as_it_says() -> None:
    (drawing,) = (drawing for drawing in _DRAWN if len(drawing) == 1)
    (found,) = outages(Strip(Minute(0), drawing["letter"]), "." * 6, down="DL")
    assert (len(found.down), (found.stop or 0) - found.start) == (2, 4)


def test_short_outages_are_forgiven_as_it_says() -> None:
    letters = re.search(r"`min_consecutive = 3` on `([UD]+)`", named("classify.md"))
    assert letters is not None
    found = outages(
        Strip(Minute(0), letters[1]), "." * len(letters[1]), down="DL", min_consecutive=3
    )
    assert [len(one.down) for one in found] == [1, 2, 5, 1]
    assert sum(len(one.down) for one in found if one.counted) == 5


def test_looks_hold_as_it_draws() -> None:
    looks, holds = next(
        piece
        for piece in indented(section("classify.md", "Looks that hold"))
        if piece[0].startswith("looks")
    )
    seen = [
        Look(Minute(minute), sign.lower())
        for minute, sign in enumerate(looks.split()[1:])
        if sign != "."
    ]
    wanted = "".join(holds.split()[1:])
    assert hold(seen, 5, Minute(0), Minute(len(wanted))) == wanted


@pytest.mark.parametrize("rule", AttemptRule)
def test_attempts_amount_to_what_its_table_says(rule: AttemptRule) -> None:
    table = tables(section("classify.md", "Looks and attempts"))[0]
    row = next(row for row in table if row[0] == f"`{rule}`")
    for cell, wanted in ((row[2], PASSED), (row[3], FAILED)):
        for tries in cell.replace("`", "").split(", "):
            outcomes = [Outcome.PASS if sign == "P" else Outcome.FAIL for sign in tries]
            assert decide(outcomes, rule) == wanted
            assert decided(outcomes, rule) or len(outcomes) == 3
            assert not any(decided(outcomes[:n], rule) for n in range(1, len(outcomes)))


def test_vantages_are_merged_as_its_table_says() -> None:
    seen, merged = next(t for t in tables(section("classify.md", "Vantages")) if t[0][0] == "seen")
    says = {"fails": FAILED, "passes": PASSED, "not measured": UNMEASURED}
    for held, said in zip(seen[1:], merged[1:], strict=True):
        statuses = "".join(_STATUS[word] for word in held.split())
        assert merge_vantages(statuses, 2).status == says[said.removesuffix(" (tie)")]


def test_probes_are_grouped_as_its_table_says() -> None:
    head, *rows = tables(section("classify.md", "Groups"))[0]
    for row in rows:
        need = 2 if row[0].startswith("all") else 1
        for seen, said in zip(head[1:], row[1:], strict=True):
            statuses = [_STATUS[word] for word in seen.split()]
            assert group_state(statuses, need) == _STATES[said]
