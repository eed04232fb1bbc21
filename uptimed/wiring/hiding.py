"""Secrets are hidden in what people type, and in whatever else may have one in it.

Whoever pastes a password into a reason does not put it on record, nor into a report, a mail, a page
or a webhook: an entry can never be taken back. Only secrets of the configuration are known here.
"""

import json
import os
from dataclasses import fields, replace
from typing import TypeVar

from uptimed.config import ConfiguredSecrets
from uptimed.core.entries import NewEntry
from uptimed.core.incidents import Act, Paused
from uptimed.core.masking import masker
from uptimed.core.settings import Settings, secrets_of
from uptimed.core.targets import Secret
from uptimed.core.terms import canonical_json
from uptimed.ports import Mask, SecretMissing, Secrets

A = TypeVar("A", bound=Act)

# What people put into words. Everything else is an identifier or one of a list.
_WORDS = frozenset({"cause", "contact", "evidence", "how", "reason", "remedy", "why", "words"})


def mask_of(secrets: tuple[Secret, ...], source: Secrets) -> Mask:
    """Return what masks *secrets* as they are now; one that cannot be read cannot leak."""
    known: list[str] = []
    for secret in secrets:
        try:
            known.append(source.read(secret))
        except SecretMissing:
            continue
    return masker(known)


def mask_for(settings: Settings) -> Mask:
    """Return what masks every secret of *settings*, as they are now."""
    return mask_of(secrets_of(settings), ConfiguredSecrets(os.environ))


def hidden_in_act(act: A, mask: Mask) -> A:
    """Return *act* with *mask* over its words. The reason of a pause is one of the contract's."""
    words = {
        each.name: mask(getattr(act, each.name))
        for each in fields(act)  # type: ignore[arg-type]  # every act is a dataclass
        if each.name in _WORDS and not (isinstance(act, Paused) and each.name == "reason")
    }
    return replace(act, **words) if words else act  # type: ignore[type-var]  # as above


def hidden_in_entry(new: NewEntry, mask: Mask) -> NewEntry:
    """Return *new* with *mask* over the words of its body."""
    said = json.loads(new.body)
    hidden = {name: _hidden(said[name], mask) for name in said.keys() & _WORDS}
    return replace(new, body=canonical_json({**said, **hidden})) if hidden else new


def _hidden(value: object, mask: Mask) -> object:
    if isinstance(value, list):
        return [_hidden(item, mask) for item in value]
    return mask(value) if isinstance(value, str) else value
