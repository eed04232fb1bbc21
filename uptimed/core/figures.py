"""The month's figures, in integers.

    scope    = minutes - out of scope - maintenance - excepted
    measured = scope - not measured
    up       = measured - down

The parts add up to the month exactly; a minute under an overlay is counted under the overlay only.
The promise is met iff up * 10^6 >= target_ppm * measured. Percentages are cut off, never rounded,
and are kept as parts per million here: four decimals of a percentage. Floats are banned:
`int(45000 * (1 - 0.9996))` is 17, and the right answer is 18.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from uptimed.core.outages import Outage
from uptimed.core.strip import (
    DEGRADED,
    EXCEPTED,
    LOGIN_FAILURE,
    MAINTENANCE,
    NO_OVERLAY,
    NOT_MEASURED,
    OUT_OF_SCOPE,
    SYSTEM_DOWN,
    UNVERIFIED_DEGRADED,
    UNVERIFIED_UP,
    UP,
    Strip,
)
from uptimed.core.terms import PPM, ContractTerms


class Verdict(StrEnum):
    """What can be said of the promise. The last three are "not proven"."""

    NOT_MEASURED = "not_measured"
    BREACHED = "breached"
    MET = "met"
    INSUFFICIENT_DATA = "insufficient_data"
    MET_UNCERTAIN = "met_uncertain"
    BREACHED_UNCERTAIN = "breached_uncertain"

    @property
    def proven(self) -> bool:
        """Return whether no minute that was missed could turn it."""
        return self in {Verdict.NOT_MEASURED, Verdict.BREACHED, Verdict.MET}


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """The sum of a month, and what follows from it.

    *up* includes degraded minutes unless the contract counts them as down, and minutes that
    `min_consecutive` forgives. *unverified* are measured minutes in scope without a measured login;
    *unverified_up* those of them that count as up. *ahead* are minutes of the month's scope that
    are not judged yet.
    """

    total: int
    out_of_scope: int
    maintenance: int
    excepted: int
    not_measured: int
    up: int
    degraded: int
    system_down: int
    login_failure: int
    down: int
    unverified: int
    unverified_up: int
    ahead: int
    has_login: bool
    target_ppm: int
    min_coverage_ppm: int

    @property
    def scope(self) -> int:
        """Return the minutes that the promise is about."""
        return self.total - self.out_of_scope - self.maintenance - self.excepted

    @property
    def measured(self) -> int:
        """Return the minutes of scope that were measured: the denominator."""
        return self.scope - self.not_measured

    @property
    def availability_ppm(self) -> int | None:
        """Return the share of measured minutes that were up, cut off; None without any."""
        return _ppm(self.up, self.measured)

    @property
    def low_ppm(self) -> int | None:
        """Return the figure with everything we cannot vouch for taken as down."""
        return _ppm(self.up - self.unverified_up, self.scope) if self.measured else None

    @property
    def high_ppm(self) -> int | None:
        """Return the figure with every minute that was not measured taken as up."""
        return _ppm(self.up + self.not_measured, self.scope) if self.measured else None

    @property
    def coverage_ppm(self) -> int | None:
        """Return the share of scope that was measured; None where nothing was in scope."""
        return _ppm(self.measured, self.scope)

    @property
    def login_coverage_ppm(self) -> int | None:
        """Return the share of measured minutes with a measured login; None without login probe."""
        return _ppm(self.measured - self.unverified, self.measured) if self.has_login else None

    @property
    def allowed(self) -> int:
        """Return how many minutes may be down.

        For a month in progress, of its whole scope less what is known to be unmeasured.
        """
        return (PPM - self.target_ppm) * (self.measured + self.ahead) // PPM

    @property
    def remaining(self) -> int:
        """Return how many more minutes may be down; negative when the promise is broken."""
        return self.allowed - self.down

    @property
    def verdict(self) -> Verdict:
        """Return what can be said of the promise: the first rule that applies."""
        if not self.measured:
            return Verdict.NOT_MEASURED
        if (self.up + self.not_measured) * PPM < self.target_ppm * self.scope:
            return Verdict.BREACHED
        if (self.up - self.unverified_up) * PPM >= self.target_ppm * self.scope:
            return Verdict.MET
        if not self._covered:
            return Verdict.INSUFFICIENT_DATA
        if self.up * PPM >= self.target_ppm * self.measured:
            return Verdict.MET_UNCERTAIN
        return Verdict.BREACHED_UNCERTAIN

    @property
    def _covered(self) -> bool:
        measured = self.measured * PPM >= self.min_coverage_ppm * self.scope
        verified = (self.measured - self.unverified) * PPM >= self.min_coverage_ppm * self.measured
        return measured and (verified or not self.has_login)


def _ppm(part: int, whole: int) -> int | None:
    return part * PPM // whole if whole else None


def figures(
    strip: Strip,
    overlay: str,
    found: Sequence[Outage],
    contract: ContractTerms,
    *,
    has_login: bool,
    ahead: int = 0,
) -> Figures:
    """Return the figures of *strip*, the judged minutes of a month.

    *overlay* has a character for each of them. *found* are the outages, looked at whole across the
    month's edges: those that do not count give their minutes back. *ahead* is as in `Figures`.
    Raises ValueError when *overlay* is not as long as *strip*.
    """
    if len(overlay) != len(strip.letters):
        raise ValueError(f"an overlay of {len(overlay)} for {len(strip.letters)} letters")
    counts = _count(strip.letters, overlay)
    month = range(strip.start, strip.stop)
    forgiven = _forgiven(strip, found, month)
    by_letter = {
        SYSTEM_DOWN: counts[SYSTEM_DOWN] - forgiven.get(SYSTEM_DOWN, 0),
        LOGIN_FAILURE: counts[LOGIN_FAILURE] - forgiven.get(LOGIN_FAILURE, 0),
        DEGRADED: counts[DEGRADED] + counts[UNVERIFIED_DEGRADED] - forgiven.get(DEGRADED, 0),
    }
    down = sum(by_letter[letter] for letter in contract.down)
    measured = sum(counts[c] for c in _MEASURED)
    return Figures(
        total=len(strip.letters),
        out_of_scope=overlay.count(OUT_OF_SCOPE),
        maintenance=overlay.count(MAINTENANCE),
        excepted=overlay.count(EXCEPTED),
        not_measured=counts[NOT_MEASURED],
        up=measured - down,
        degraded=by_letter[DEGRADED],
        system_down=by_letter[SYSTEM_DOWN],
        login_failure=by_letter[LOGIN_FAILURE],
        down=down,
        unverified=counts[UNVERIFIED_UP] + counts[UNVERIFIED_DEGRADED],
        unverified_up=_unverified_up(counts, contract, forgiven.get(UNVERIFIED_DEGRADED, 0)),
        ahead=ahead,
        has_login=has_login,
        target_ppm=contract.target_ppm,
        min_coverage_ppm=contract.min_coverage_ppm,
    )


_MEASURED = (UP, DEGRADED, SYSTEM_DOWN, LOGIN_FAILURE, UNVERIFIED_UP, UNVERIFIED_DEGRADED)


def _count(letters: str, overlay: str) -> dict[str, int]:
    if overlay.count(NO_OVERLAY) != len(overlay):
        pairs = zip(letters, overlay, strict=True)
        letters = "".join(letter for letter, over in pairs if over == NO_OVERLAY)
    return {letter: letters.count(letter) for letter in (*_MEASURED, NOT_MEASURED)}


def _forgiven(strip: Strip, found: Sequence[Outage], month: range) -> dict[str, int]:
    """Return the down minutes of this month that do not count, by letter.

    Marks are counted under their letter, and unverified ones once more under their mark.
    """
    forgiven: dict[str, int] = {}
    for outage in found:
        if outage.counted:
            continue
        for minute in outage.down:
            if minute in month:
                mark = strip.at(minute)
                forgiven[mark.upper()] = forgiven.get(mark.upper(), 0) + 1
                if mark == UNVERIFIED_DEGRADED:
                    forgiven[mark] = forgiven.get(mark, 0) + 1
    return forgiven


def _unverified_up(counts: dict[str, int], contract: ContractTerms, forgiven: int) -> int:
    if DEGRADED not in contract.down:
        return counts[UNVERIFIED_UP] + counts[UNVERIFIED_DEGRADED]
    return counts[UNVERIFIED_UP] + forgiven
