"""The stories that take a real minute begin with the first test, and are told by the last."""

from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pytest


@pytest.fixture(scope="session", autouse=True)
def stories(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Mapping[str, Future[Mapping[str, Any]]]]:
    """Begin the stories that are asked for; a test waits for the end of its own."""
    wanted = [item for item in request.session.items if "endtoend/test_stories" in item.nodeid]
    if not wanted:
        yield {}
        return
    from tests.endtoend.test_stories import STORIES

    with ThreadPoolExecutor(len(STORIES)) as threads:
        yield {
            name: threads.submit(tell, tmp_path_factory.mktemp(name))
            for name, tell in STORIES.items()
        }
