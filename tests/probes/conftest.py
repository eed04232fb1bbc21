"""What the tests of looking share: a certificate authority, names, secrets, and probes to use."""

import socket
import ssl
from collections.abc import AsyncIterator, Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import trustme

from probes.http import HttpProbe
from probes.net import Resolver
from tests.fakes import FakeSecrets
from uptimed.core.targets import Expectation, IpFamily, ProbeSettings, Target, TlsOptions
from uptimed.core.terms import Role

TIMEOUT_US = 300_000
CANARY = "canary/7f3a+91c2"

ContextOf = Callable[..., ssl.SSLContext]


class FakeResolver(Resolver):
    """Knows what it was told, and of nothing else that it exists."""

    def __init__(self, names: Mapping[str, list[str] | OSError]) -> None:
        super().__init__()
        self.names = dict(names)

    def _look_up(self, key: tuple[str, IpFamily]) -> list[str] | OSError:  # type: ignore[explicit-override]
        missing = socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return self.names.get(key[0], missing)


def settings_of(
    target: Target, expect: Expectation | None = None, timeout_us: int = TIMEOUT_US
) -> ProbeSettings:
    return ProbeSettings(
        id="front",
        role=Role.REACH,
        kind="test",
        target=target,
        expect=expect or Expectation(),
        timeout_us=timeout_us,
    )


@pytest.fixture(scope="session", params=[False, True], ids=["asyncio", "uvloop"])
def anyio_backend(request: pytest.FixtureRequest) -> tuple[str, dict[str, bool]]:
    """Run every test on both loops: their errors differ, and production may have either."""
    return "asyncio", {"use_uvloop": request.param}


@pytest.fixture(scope="session")
def authority() -> trustme.CA:
    return trustme.CA(key_type=trustme.KeyType.ECDSA)


@pytest.fixture(scope="session")
def ca_file(authority: trustme.CA, tmp_path_factory: pytest.TempPathFactory) -> str:
    path: Path = tmp_path_factory.mktemp("ca") / "ca.pem"
    authority.cert_pem.write_to_path(path)
    return str(path)


@pytest.fixture(scope="session")
def trusting(ca_file: str) -> TlsOptions:
    """Trust the authority of the tests, and no other."""
    return TlsOptions(ca_file=ca_file)


@pytest.fixture(scope="session")
def server_context(authority: trustme.CA) -> ContextOf:
    """Return a function that makes a server's context with a certificate for *names*."""

    def make(*names: str, issuer: trustme.CA = authority, expired: bool = False) -> ssl.SSLContext:
        last = datetime.now(UTC) - timedelta(days=3) if expired else None  # noqa: TID251 - real TLS
        certificate = issuer.issue_cert(
            *(names or ("127.0.0.1", "localhost")),
            not_after=last,
            common_name="the front door",
            key_type=trustme.KeyType.ECDSA,
        )
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        certificate.configure_cert(context)
        return context

    return make


@pytest.fixture
def resolver() -> FakeResolver:
    return FakeResolver(
        {
            "localhost": ["127.0.0.1"],
            "metadata.example": ["169.254.169.254"],
            "inside.example": ["10.1.2.3"],
            "half.example": ["127.0.0.1", "10.1.2.3"],
            "lame.example": socket.gaierror(socket.EAI_AGAIN, "Temporary failure"),
            "six.example": socket.gaierror(socket.EAI_NODATA, "No address"),
            "broken.example": socket.gaierror(socket.EAI_SYSTEM, "System error"),
        }
    )


@pytest.fixture
async def http_probe(resolver: FakeResolver) -> AsyncIterator[HttpProbe]:
    secrets = FakeSecrets({"API_KEY": CANARY})
    async with HttpProbe(secrets=secrets, resolver=resolver, user_agent="uptimed/test") as probe:
        yield probe
