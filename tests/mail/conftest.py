"""Mail servers, and who vouches for them."""

import shutil
import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest
import trustme

from tests.cli.commands import write_config
from tests.mail.months import text, write_month
from tests.mail.office import Office, office, server_context


@pytest.fixture(scope="session")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="session")
def ca_file(authority: trustme.CA, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("ca") / "ca.pem"
    authority.cert_pem.write_to_path(path)
    return path


@pytest.fixture
def context(authority: trustme.CA) -> ssl.SSLContext:
    return server_context(authority, "localhost", "127.0.0.1")


@pytest.fixture
def plain() -> Iterator[Office]:
    """A server without encryption or accounts."""
    with office() as made:
        yield made


@pytest.fixture(scope="session")
def _october(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_month(tmp_path_factory.mktemp("october")).parent


@pytest.fixture
def october(_october: Path, tmp_path: Path, plain: Office) -> Path:
    """A copy of the month, with `plain` for its mail server; where its configuration is."""
    folder = tmp_path / "october"
    shutil.copytree(_october, folder)
    return write_config(folder, text(plain.port))
