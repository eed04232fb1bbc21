"""The probes by their kind, opened and closed together."""

from probes.registry import probes
from tests.fakes import FakeSecrets
from tests.probes import servers
from tests.probes.conftest import FakeResolver, settings_of
from tests.probes.servers import serving
from uptimed.clock import SystemClock
from uptimed.core.observations import Answer
from uptimed.core.targets import HttpTarget


async def test_each_kind_has_its_probe_and_http_names_the_version(resolver: FakeResolver) -> None:
    async with probes(
        secrets=FakeSecrets({}), resolver=resolver, version="1.2.3", clock=SystemClock()
    ) as by_kind:
        assert set(by_kind) >= {"http", "tcp", "tls", "dns", "login"}
        async with serving(servers.echoing()) as port:
            target = HttpTarget(url=f"http://127.0.0.1:{port}/", follow="none")
            seen = await by_kind["http"](settings_of(target))

    assert isinstance(seen.outcome, Answer)
    assert "User-Agent: uptimed/1.2.3\r\n" in seen.outcome.body
