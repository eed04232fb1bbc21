"""Reads secrets where they are kept, at the moment of their use.

Nothing is cached: a secret that is changed outside is the new one at the next look. No message ever
holds what was read.
"""

import stat
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import assert_never

from uptimed.core.targets import Secret, SecretPlace
from uptimed.ports import SecretMissing

CREDENTIALS_VARIABLE = "CREDENTIALS_DIRECTORY"
_LARGEST = 64 * 1024  # bytes; what is larger is some other file


@dataclass(frozen=True, slots=True)
class ConfiguredSecrets:
    """Secrets of the environment, of files, and of systemd's credentials (`ports.Secrets`)."""

    env: Mapping[str, str]

    def read(self, secret: Secret) -> str:
        """Return the secret. Raise `SecretMissing` when it cannot be read or is empty."""
        match secret.place:
            case SecretPlace.ENV:
                found = self.env.get(secret.name, "")
                if not found:
                    raise SecretMissing(f"environment variable {secret.name} is not set")
                return found
            case SecretPlace.FILE:
                return _read_file(Path(secret.name), f"file {secret.name}")
            case SecretPlace.CREDENTIAL:
                return _read_file(self._credential(secret.name), f"credential {secret.name}")
            case other:
                assert_never(other)

    def _credential(self, name: str) -> Path:
        folder = self.env.get(CREDENTIALS_VARIABLE, "")
        if not folder:
            raise SecretMissing(f"credential {name}: {CREDENTIALS_VARIABLE} is not set")
        return Path(folder) / name


def _read_file(path: Path, called: str) -> str:
    try:
        with path.open("rb") as file:
            found = file.read(_LARGEST + 1)
    except OSError as error:
        raise SecretMissing(f"{called}: {error.strerror or 'cannot be read'}") from None
    if len(found) > _LARGEST:
        raise SecretMissing(f"{called}: larger than {_LARGEST} bytes")
    try:
        text = found.decode("utf-8")
    except UnicodeDecodeError:
        raise SecretMissing(f"{called}: not UTF-8") from None
    text = text.removesuffix("\n").removesuffix("\r")
    if not text:
        raise SecretMissing(f"{called}: empty")
    return text


def remarks_on(secrets: Iterable[Secret], source: ConfiguredSecrets) -> tuple[str, ...]:
    """Return what `check` has to say of *secrets*: cannot be read, or readable by others too."""
    return tuple(text for secret in secrets if (text := _remark_on(secret, source)))


def _remark_on(secret: Secret, source: ConfiguredSecrets) -> str:
    try:
        source.read(secret)
    except SecretMissing as missing:
        return str(missing)
    if secret.place is SecretPlace.FILE:
        mode = Path(secret.name).stat().st_mode
        if mode & (stat.S_IRGRP | stat.S_IROTH):
            return f"file {secret.name} is readable by others: chmod 600 (it is {mode & 0o777:o})"
    return ""
