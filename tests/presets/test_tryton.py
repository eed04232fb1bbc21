"""Business software that nobody here wrote, signed in to by a flow that does not ship: Tryton."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.presets.watching import CANARIES, Watch, watching_at
from uptimed.core.observations import Outcome

pytestmark = pytest.mark.slow

_HERE = Path(__file__).parent
_FLOW = str(_HERE / "tryton.toml")
_PASSWORD = CANARIES[0].password


@dataclass(frozen=True, slots=True)
class Site:
    """Where Tryton is, and where its database is."""

    url: str
    database: Path

    def watched(self) -> AbstractAsyncContextManager[Watch]:
        return watching_at(
            self.url,
            _FLOW,
            {"admin": (_PASSWORD, "")},
            settings={"database": "crm"},
            timeout_ms=20_000,  # it takes its time to refuse
        )


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("tryton")
    program = subprocess.Popen(
        [sys.executable, str(_HERE / "tryton_site.py"), str(folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        encoding="utf-8",
    )
    with program:
        assert program.stdin is not None and program.stdout is not None
        program.stdin.write(f"{_PASSWORD}\n")
        program.stdin.close()
        port = program.stdout.readline().strip()
        assert port, "Tryton did not start"
        try:
            yield Site(f"http://127.0.0.1:{port}", folder / "crm.sqlite")
        finally:
            program.kill()


async def test_a_good_login_is_kept_and_signed_out(site: Site) -> None:
    async with site.watched() as watch:
        seen = [await watch.look(), await watch.look(), await watch.full_look()]
    assert [look.letter for look in seen] == ["U", "U", "U"], seen[0]
    assert "login: sign-in" not in seen[1].transcript
    assert "not signed out" not in seen[2].transcript


async def test_a_wrong_password_is_the_accounts_fault(site: Site) -> None:
    async with site.watched() as watch:
        watch.change("PASSWORD1", "wrong-" + _PASSWORD)
        seen = await watch.look()
        assert (seen.outcome, seen.letter) == (Outcome.REJECTED, "u"), seen


async def test_a_database_that_is_gone_is_a_login_failure_although_it_is_still_listed(
    site: Site,
) -> None:
    away = site.database.with_suffix(".away")
    async with site.watched() as watch:
        assert (await watch.look()).letter == "U"
        site.database.rename(away)
        try:
            kept, full = await watch.look(), await watch.full_look()
        finally:
            away.replace(site.database)
        for seen in (kept, full):
            assert (seen.outcome, seen.letter) == (Outcome.FAIL, "L"), seen
            assert seen.reach is not None and seen.reach.outcome is Outcome.PASS
        assert (await watch.look()).letter == "U"
