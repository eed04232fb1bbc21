"""Takes the secrets of a request out of its own answer, before anyone else sees it.

This goes over every answer to a request with secret headers, also over good ones, and so it knows
only the likely forms and costs microseconds. `uptimed.core.masking` is thorough, and goes over what
is kept or shown.
"""

import base64
import binascii
import html
from collections.abc import Iterable
from urllib.parse import quote, quote_plus

from uptimed.ports import Mask

MASKED = "***"
_SHORTEST = 4  # characters: what is shorter is no secret, and would mask half of a page


def nothing_masked(text: str) -> str:
    """Return *text* as it is: the mask of those who have no secrets."""
    return text


def mask_of(secrets: Iterable[str]) -> Mask:
    """Return a function that puts `***` for every one of *secrets*, in each form it may take.

    Those are: as it is, inside a URL, inside HTML or JSON, and for `Bearer x` or `Basic x` the
    part after the scheme, and what Basic encodes. The longest goes first.
    """
    forms = {form for secret in secrets for form in _forms(secret) if len(form) >= _SHORTEST}
    if not forms:
        return nothing_masked
    longest_first = sorted(forms, key=len, reverse=True)

    def mask(text: str) -> str:
        for form in longest_first:
            if form in text:
                text = text.replace(form, MASKED)
        return text

    return mask


def _forms(secret: str) -> Iterable[str]:
    for bare in _bare(secret):
        yield from (bare, quote(bare, safe=""), quote(bare), quote_plus(bare), html.escape(bare))
        yield bare.replace("\\", "\\\\").replace('"', '\\"').replace("/", "\\/")
        yield base64.b64encode(bare.encode()).decode()


def _bare(secret: str) -> Iterable[str]:
    """Yield the secret, and the secrets inside it."""
    secret = secret.strip()
    yield secret
    scheme, _, rest = secret.partition(" ")
    if not rest:
        return
    yield rest.strip()
    if scheme.lower() == "basic":
        try:
            pair = base64.b64decode(rest, validate=True).decode()
        except (binascii.Error, UnicodeDecodeError):
            return
        yield pair
        yield pair.partition(":")[2]
