"""Colours, words and thresholds that panels of both data sources share."""

TARGET = 0.9996
"""Where colours change. Panels that compare draw the contract's own target from its metric."""

WIDTH = 24  # columns of Grafana's grid
GREEN, YELLOW, ORANGE, RED, GREY, BLUE = "green", "yellow", "orange", "red", "#8e8e8e", "blue"

STATES = (
    ("up", "up", GREEN),
    ("degraded", "degraded", YELLOW),
    ("login_failure", "login failure", ORANGE),
    ("system_down", "system down", RED),
    ("not_measured", "not measured", GREY),
)
"""State, what is shown for it, colour; the place in the list is the number that is drawn."""
STATE_WORDS = {number: (word, colour) for number, (_, word, colour) in enumerate(STATES)}
YES_IS_GOOD = {1: ("yes", GREEN), 0: ("no", RED)}
NO_IS_GOOD = {0: ("no", GREEN), 1: ("yes", RED)}
PASSED = {1: ("pass", GREEN), 0: ("fail", RED)}

OF_SHARE = ((None, RED), (TARGET, GREEN))
OF_BUDGET = ((None, GREEN), (0.5, YELLOW), (0.75, ORANGE), (1.0, RED))
LEFT = ((None, RED), (0.0, ORANGE), (5.0, GREEN))
NONE_IS_GOOD = ((None, GREEN), (1.0, RED))
COVERAGE = ((None, RED), (0.999, GREEN))
