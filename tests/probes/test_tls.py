"""The handshake alone: chain, name and expiry, whatever is wrong with them."""

import pytest
import trustme

from probes.tls import TlsProbe
from tests.probes import servers
from tests.probes.conftest import ContextOf, FakeResolver, settings_of
from tests.probes.servers import serving
from uptimed.core.judging import judge
from uptimed.core.observations import SECOND, Answer, Cause, Instant, NoAnswer, Observation, Phase
from uptimed.core.targets import Expectation, TlsOptions, TlsTarget

LONG_US = 5_000_000


@pytest.fixture
def probe(resolver: FakeResolver) -> TlsProbe:
    return TlsProbe(resolver=resolver)


def cause_of(seen: Observation) -> Cause:
    assert isinstance(seen.outcome, NoAnswer), seen
    return seen.outcome.cause


async def test_a_good_certificate_is_an_answer_with_its_expiry(
    probe: TlsProbe, server_context: ContextOf, trusting: TlsOptions
) -> None:
    async with serving(servers.hanging, context=server_context()) as port:
        target = TlsTarget(host="localhost", port=port, tls=trusting)
        seen = await probe(settings_of(target, timeout_us=LONG_US))

    assert isinstance(seen.outcome, Answer)
    assert list(seen.phases) == [Phase.DNS, Phase.CONNECT, Phase.TLS]
    assert seen.certificate is not None
    now = Instant(seen.certificate.not_after - 86_400 * SECOND * 3 - SECOND)
    wanted = settings_of(target, Expectation(certificate_days=14))
    reading = judge(seen, wanted, now=now)
    assert reading.cause is Cause.CERTIFICATE
    assert reading.detail == "certificate expires in 3 days, wanted at least 14"


async def test_what_is_wrong_with_a_certificate_is_told_and_so_is_its_expiry(
    probe: TlsProbe, server_context: ContextOf, trusting: TlsOptions
) -> None:
    stranger = trustme.CA(key_type=trustme.KeyType.ECDSA)
    faulty = {
        Cause.TLS_NAME: server_context("other.example"),
        Cause.TLS_EXPIRED: server_context(expired=True),
        Cause.TLS_UNTRUSTED: server_context(issuer=stranger),
    }
    for cause, context in faulty.items():
        async with serving(servers.hanging, context=context) as port:
            target = TlsTarget(host="127.0.0.1", port=port, tls=trusting)
            seen = await probe(settings_of(target, timeout_us=LONG_US))
        assert cause_of(seen) is cause
        assert seen.certificate is not None
        assert seen.certificate.subject == "the front door"


async def test_the_configured_name_is_the_one_that_is_verified(
    probe: TlsProbe, server_context: ContextOf, ca_file: str
) -> None:
    options = TlsOptions(ca_file=ca_file, server_name="other.example")
    async with serving(servers.hanging, context=server_context("other.example")) as port:
        target = TlsTarget(host="127.0.0.1", port=port, tls=options)
        seen = await probe(settings_of(target, timeout_us=LONG_US))

    assert isinstance(seen.outcome, Answer)


async def test_a_server_that_speaks_no_tls(probe: TlsProbe, trusting: TlsOptions) -> None:
    async with serving(servers.hanging) as port:
        target = TlsTarget(host="127.0.0.1", port=port, tls=trusting)
        assert cause_of(await probe(settings_of(target))) is Cause.TLS_FAILED
    with servers.closed_port() as port:
        target = TlsTarget(host="127.0.0.1", port=port, tls=trusting)
        assert cause_of(await probe(settings_of(target))) is Cause.REFUSED
