"""What hypothesis draws for the core: terms, attempts, strips, overlays."""

from dataclasses import replace

from hypothesis import strategies as st

from tests.core.drawing import NOON, probe_terms
from tests.core.plainly import CAUSES
from uptimed.core.minutes import MINUTE, Minute
from uptimed.core.observations import SECOND, Attempt, Instant, Outcome
from uptimed.core.strip import MARKS, Strip
from uptimed.core.terms import AttemptRule, ProbeTerms, Role, WatchTerms

VANTAGES = ("here", "there", "yonder")


@st.composite
def watches(draw: st.DrawFn) -> WatchTerms:
    """Draw terms of one to four probes at one to three vantages; one is for reach or login."""
    probes = [draw(_probes(st.sampled_from([Role.REACH, Role.LOGIN]), "a"))]
    others = draw(st.sampled_from(["", "b", "bc", "bcd"]))
    probes.extend(draw(_probes(st.sampled_from(list(Role)), id_)) for id_ in others)
    vantages = VANTAGES[: draw(st.integers(1, 3))]
    return WatchTerms(
        service="crm",
        probes=tuple(probes),
        need={
            role: draw(st.integers(1, n))
            for role in Role
            if (n := sum(1 for p in probes if p.role is role))
        },
        vantages=vantages,
        min_vantages=draw(st.integers(1, len(vantages))),
        attempt_rule=draw(st.sampled_from(list(AttemptRule))),
    )


@st.composite
def _probes(draw: st.DrawFn, roles: st.SearchStrategy[Role], id_: str) -> ProbeTerms:
    role = draw(roles)
    made = probe_terms(
        role,
        id_,
        interval=draw(st.sampled_from([1, 1, 2, 5])),
        slow_after_ms=draw(st.sampled_from([None, 200])),
        accounts=draw(st.integers(0, 3)) if role is Role.LOGIN else 0,
    )
    return replace(
        made,
        target=draw(st.sampled_from(["", "https://crm.example/"])),
        manner=draw(st.sampled_from(["", "0f", "1e"])),
    )


def attempts_at(
    terms: WatchTerms, length: int, *, most: int = 40
) -> st.SearchStrategy[list[Attempt]]:
    """Draw attempts in *length* minutes from noon on, each identity once.

    They come near one another, so that looks have several attempts, hold and are replaced.
    """
    probes = {p.id: p for p in terms.probes}

    @st.composite
    def one(draw: st.DrawFn) -> Attempt:
        probe = probes[draw(st.sampled_from(sorted(probes)))]
        minute = draw(st.integers(0, 7)) + draw(st.sampled_from([0, 0, 59, length - 8]))
        look = Instant((NOON + minute) * MINUTE + draw(st.sampled_from([0, 5, 59])) * SECOND)
        at = Instant(look + draw(st.sampled_from([0, 0, 1, 20, 55])) * SECOND)
        outcomes = list(Outcome) if probe.role is Role.LOGIN else list(Outcome)[:3]
        return Attempt(
            service="crm",
            probe=probe.id,
            vantage=draw(st.sampled_from([*terms.vantages, "elsewhere"])),
            at=at,
            look=look,
            outcome=draw(st.sampled_from(outcomes)),
            cause=draw(st.sampled_from(CAUSES)),
            took_us=draw(st.sampled_from([None, 100_000, 200_000, 200_001])),
            account=draw(st.integers(min(1, probe.accounts), probe.accounts)),
            secret=draw(st.sampled_from(["", "old", "new"])),
        )

    return st.lists(one(), max_size=most, unique_by=lambda a: (a.probe, a.vantage, a.at, a.account))


letters = st.text(MARKS, max_size=60)
"""Letters with their marks, few of each kind so that runs occur."""

strips = st.builds(Strip, st.integers(NOON - 30, NOON + 30).map(Minute), letters)


@st.composite
def covered(draw: st.DrawFn, *, overlays: str = "....MEX", most: int = 60) -> tuple[Strip, str]:
    """Draw a strip and an overlay of its length."""
    drawn = draw(st.text("UUUDDLGNug", max_size=most))
    over = draw(st.text(overlays, min_size=len(drawn), max_size=len(drawn)))
    return Strip(NOON, drawn), over
