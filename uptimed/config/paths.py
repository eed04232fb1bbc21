"""Paths in a configuration: relative ones begin at the file that they stand in."""

from dataclasses import replace
from pathlib import Path

from uptimed.config.checking import Place
from uptimed.config.mistakes import show
from uptimed.config.reading import Document
from uptimed.core.targets import Secret, SecretPlace


def absolute(text: str, document: Document) -> str:
    """Return the path *text* of *document*, absolute."""
    return str(document.path.parent.absolute() / Path(text).expanduser())


def existing(text: str | None, document: Document, place: Place) -> str:
    """Return the path of a file that is there; tell a mistake where it is not. None and "" pass."""
    if not text:
        return ""
    path = absolute(text, document)
    if not Path(path).is_file():
        place.wrong(show(text), f"a file; there is none at {path}")
    return path


def resolved_secret(secret: Secret, document: Document) -> Secret:
    """Return *secret* with an absolute path where it is kept in a file."""
    if secret.place is not SecretPlace.FILE:
        return secret
    return replace(secret, name=absolute(secret.name, document))
