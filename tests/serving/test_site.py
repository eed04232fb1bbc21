"""What the daemon serves over HTTP, on a real socket."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import aiohttp
import pytest

from tests.serving.test_metrics import SNAPSHOT
from uptimed.core.snapshot import ConfigHealth, Snapshot, StoreHealth
from uptimed.web import health, serving

WELL = replace(
    SNAPSHOT, healthy=True, store=StoreHealth(),
    config=ConfigHealth(loaded_at=SNAPSHOT.started_at),
)  # fmt: skip


@asynccontextmanager
async def site(snapshot: Snapshot, *, ready: bool = True) -> AsyncIterator[aiohttp.ClientSession]:
    """Serve a snapshot; yield what asks for pages of it."""
    async with (
        serving(
            "127.0.0.1", 0, lambda: snapshot, lambda _: b"metrics\n", ready=lambda: ready
        ) as port,
        aiohttp.ClientSession(f"http://127.0.0.1:{port}/") as session,
    ):
        yield session


async def test_metrics_come_in_prometheus_own_type() -> None:
    async with site(WELL) as session, session.get("metrics") as answer:
        assert answer.status == 200
        assert answer.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
        assert answer.headers["Cache-Control"] == "no-store"
        assert await answer.read() == b"metrics\n"


async def test_metrics_are_compressed_for_whoever_takes_it() -> None:
    async with site(WELL) as session:
        for accepted, encoding in (("gzip", "gzip"), ("identity", None)):
            async with session.get("metrics", headers={"Accept-Encoding": accepted}) as answer:
                assert answer.headers.get("Content-Encoding") == encoding
                assert await answer.read() == b"metrics\n"


async def test_a_well_monitor_says_so() -> None:
    async with site(WELL) as session, session.get("healthz") as answer:
        assert answer.status == 200
        assert await answer.json() == {
            "status": "ok", "version": "0.1.0", "vantage": "local",
            "started_at": "2026-10-28T02:00:00Z", "services": 2, "probes": 3, "problems": [],
        }  # fmt: skip


async def test_an_unwell_monitor_says_why() -> None:
    async with site(SNAPSHOT) as session, session.get("healthz") as answer:
        assert answer.status == 503
        said = json.loads(await answer.text())
    assert said["status"] == "unwell"
    assert said["problems"] == [
        "the journal cannot be written: the disk is full; 17 attempts wait in memory",
        "the last configuration was refused: no",
    ]


@pytest.mark.parametrize(
    ("snapshot", "status", "problem"),
    [
        pytest.param(replace(WELL, references_failed=True), "ok", "own network", id="references"),
        pytest.param(replace(WELL, healthy=False), "unwell", "event loop", id="held up"),
        pytest.param(
            replace(WELL, config=replace(WELL.config, ok=False, error="line 7")), "ok", "line 7",
            id="configuration",
        ),
    ],
)  # fmt: skip
def test_each_problem_has_a_sentence(snapshot: Snapshot, status: str, problem: str) -> None:
    said = health(snapshot)
    assert said["status"] == status
    assert problem in str(said["problems"])


@pytest.mark.parametrize(("ready", "status"), [(True, 200), (False, 503)])
async def test_readiness_is_a_page_of_its_own(*, ready: bool, status: int) -> None:
    async with site(SNAPSHOT, ready=ready) as session, session.get("readyz") as answer:
        assert answer.status == status
        assert await answer.json() == {"ready": ready}


@pytest.mark.parametrize(
    ("method", "path", "status"), [("GET", "nothing", 404), ("POST", "metrics", 405)]
)
async def test_there_is_nothing_else(method: str, path: str, status: int) -> None:
    async with site(WELL) as session, session.request(method, path) as answer:
        assert answer.status == status


async def test_a_port_that_is_taken_raises() -> None:
    async with site(WELL) as session:
        port = (await session.get("healthz")).url.port
        assert port is not None
        with pytest.raises(OSError, match="address already in use"):
            async with serving("127.0.0.1", port, lambda: WELL, lambda _: b"", ready=lambda: True):
                pass
