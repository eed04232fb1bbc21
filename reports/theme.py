"""The colour of a paper: the operator's or client's own, as long as it can be read."""

import re

HOUSE_COLOUR = "#12496b"
_READABLE = 4.5  # WCAG 2, level AA, for text of this size against white
_HEX = re.compile(r"#[0-9a-fA-F]{6}")


def readable(colour: str) -> str:
    """Return *colour*, made darker until text in it, or white text on it, can be read.

    Anything but `#rrggbb` gives the house's colour.
    """
    if not _HEX.fullmatch(colour):
        return HOUSE_COLOUR
    channels = [int(colour[at : at + 2], 16) for at in (1, 3, 5)]
    while contrast_with_white(channels) < _READABLE:
        channels = [channel * 19 // 20 for channel in channels]
    return "#" + "".join(f"{channel:02x}" for channel in channels)


def contrast_with_white(channels: list[int]) -> float:
    """Return the contrast of a colour with white after WCAG 2: 1 for white, 21 for black."""
    red, green, blue = (_linear(channel / 255) for channel in channels)
    return 1.05 / (0.2126 * red + 0.7152 * green + 0.0722 * blue + 0.05)


def _linear(share: float) -> float:
    return share / 12.92 if share <= 0.04045 else ((share + 0.055) / 1.055) ** 2.4
