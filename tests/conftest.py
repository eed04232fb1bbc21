"""What all tests share: one event loop, and how hard hypothesis tries."""

import os

import pytest
from hypothesis import HealthCheck, settings

# A deadline would make tests fail on a busy machine, and so would the check for slow drawing.
settings.register_profile(
    "dev", deadline=None, max_examples=50, suppress_health_check=[HealthCheck.too_slow]
)
settings.register_profile("ci", settings.get_profile("dev"), max_examples=300, print_blob=True)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "dev"))


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """Run every coroutine test on asyncio, the only loop there is in production."""
    return "asyncio"
