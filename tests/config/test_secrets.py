"""Secrets are read where they are kept, at every use, and nothing tells what they are."""

from pathlib import Path

import pytest

from uptimed.config import ConfiguredSecrets, remarks_on
from uptimed.core.targets import Secret, SecretPlace
from uptimed.ports import SecretMissing, Secrets

CANARY = "canary-7f3a"


def _file(tmp_path: Path, content: bytes, *, mode: int = 0o600) -> Secret:
    path = tmp_path / "secret"
    path.write_bytes(content)
    path.chmod(mode)
    return Secret(SecretPlace.FILE, str(path))


def _read(secret: Secret, env: dict[str, str] | None = None) -> str:
    source: Secrets = ConfiguredSecrets(env or {})
    return source.read(secret)


def test_a_variable_is_read() -> None:
    assert _read(Secret(SecretPlace.ENV, "A"), {"A": CANARY}) == CANARY


@pytest.mark.parametrize(
    ("content", "secret"),
    [
        pytest.param(b"canary", "canary", id="as it is"),
        pytest.param(b"canary\n", "canary", id="one newline is not part of it"),
        pytest.param(b"canary\r\n", "canary", id="nor is one of another system"),
        pytest.param(b"canary\n\n", "canary\n", id="a second newline is"),
        pytest.param(b" canary ", " canary ", id="and so are spaces"),
        pytest.param("contraseña".encode(), "contraseña", id="UTF-8"),
    ],
)
def test_a_file_is_read_without_the_newline_at_its_end(
    tmp_path: Path, content: bytes, secret: str
) -> None:
    assert _read(_file(tmp_path, content)) == secret


def test_a_credential_is_a_file_of_the_credentials_directory(tmp_path: Path) -> None:
    (tmp_path / "login").write_text(f"{CANARY}\n")
    env = {"CREDENTIALS_DIRECTORY": str(tmp_path)}
    assert _read(Secret(SecretPlace.CREDENTIAL, "login"), env) == CANARY


def test_a_secret_that_is_changed_is_the_new_one_at_the_next_read(tmp_path: Path) -> None:
    secret = _file(tmp_path, b"old")
    source = ConfiguredSecrets({})
    assert source.read(secret) == "old"
    _file(tmp_path, b"new")
    assert source.read(secret) == "new"


@pytest.mark.parametrize(
    ("secret", "env", "said"),
    [
        (Secret(SecretPlace.ENV, "A"), {}, "environment variable A is not set"),
        (Secret(SecretPlace.ENV, "A"), {"A": ""}, "environment variable A is not set"),
        (
            Secret(SecretPlace.FILE, "/no/such"),
            {},
            "file /no/such: No such file or directory",
        ),
        (
            Secret(SecretPlace.CREDENTIAL, "login"),
            {},
            "credential login: CREDENTIALS_DIRECTORY is not set",
        ),
        (
            Secret(SecretPlace.CREDENTIAL, "login"),
            {"CREDENTIALS_DIRECTORY": "/no"},
            "credential login: No such file or directory",
        ),
    ],
    ids=["no variable", "empty variable", "no file", "no directory", "no credential"],
)
def test_a_secret_that_is_missing_is_told_by_its_place(
    secret: Secret, env: dict[str, str], said: str
) -> None:
    with pytest.raises(SecretMissing) as caught:
        _read(secret, env)
    assert str(caught.value) == said


@pytest.mark.parametrize(
    ("content", "said"),
    [
        pytest.param(b"", "empty", id="empty"),
        pytest.param(b"\n", "empty", id="a newline only"),
        pytest.param(CANARY.encode() + b"\xff", "not UTF-8", id="not UTF-8"),
        pytest.param(CANARY.encode() * 10_000, "larger than 65536 bytes", id="some other file"),
    ],
)
def test_a_file_that_is_no_secret_is_told_without_what_is_in_it(
    tmp_path: Path, content: bytes, said: str
) -> None:
    secret = _file(tmp_path, content)
    with pytest.raises(SecretMissing) as caught:
        _read(secret)
    assert str(caught.value) == f"file {secret.name}: {said}"


def test_a_file_that_others_can_read_is_remarked_on(tmp_path: Path) -> None:
    shared = _file(tmp_path, b"canary", mode=0o640)
    missing = Secret(SecretPlace.ENV, "A")
    assert remarks_on([shared, missing], ConfiguredSecrets({})) == (
        f"file {shared.name} is readable by others: chmod 600 (it is 640)",
        "environment variable A is not set",
    )


def test_a_secret_that_is_kept_well_is_not_remarked_on(tmp_path: Path) -> None:
    assert remarks_on([_file(tmp_path, b"canary")], ConfiguredSecrets({})) == ()
