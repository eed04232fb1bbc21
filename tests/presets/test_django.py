"""An application that nobody here wrote: Django's admin, as a program with a database."""

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.presets.watching import CANARIES, watching_at
from uptimed.core.observations import Outcome

_SITE = Path(__file__).parent / "django_site.py"
_PASSWORDS = {person.username: (person.password, "") for person in CANARIES}


@dataclass(frozen=True, slots=True)
class Site:
    """Where Django is, and where its database is."""

    url: str
    database: Path


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    database = tmp_path_factory.mktemp("django") / "db.sqlite3"
    program = subprocess.Popen(
        [sys.executable, str(_SITE), str(database)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        encoding="utf-8",
    )
    with program:
        assert program.stdin is not None and program.stdout is not None
        for name, (password, _) in _PASSWORDS.items():
            program.stdin.write(f"{name}\t{password}\n")
        program.stdin.close()
        port = program.stdout.readline().strip()
        assert port, "Django did not start"
        try:
            yield Site(f"http://127.0.0.1:{port}", database)
        finally:
            program.kill()


async def test_a_good_login_is_kept_and_a_page_behind_it_is_read(site: Site) -> None:
    async with watching_at(site.url, "django-admin", _PASSWORDS) as watch:
        first, second, third = await watch.look(), await watch.look(), await watch.full_look()
    assert [seen.letter for seen in (first, second, third)] == ["U", "U", "U"], first
    assert "login: sign-in" in first.transcript
    assert "login: sign-in" not in second.transcript
    assert "logout: sign-out" in third.transcript
    assert "not signed out" not in third.transcript


async def test_a_sign_out_is_seen_by_django(site: Site) -> None:
    async with watching_at(site.url, "django-admin", _PASSWORDS) as watch:
        await watch.look()
        seen = await watch.full_look()
    signed_out = seen.transcript.partition("logout: sign-out")[2].partition("login: form")[0]
    assert "< 200" in signed_out and "ok (1)" in signed_out, signed_out


async def test_a_wrong_password_is_the_accounts_fault(site: Site) -> None:
    async with watching_at(site.url, "django-admin", _PASSWORDS) as watch:
        watch.change("PASSWORD1", 'Wrong Käse/9+&"<%>')
        seen = await watch.look()
        assert (seen.outcome, seen.letter) == (Outcome.REJECTED, "u"), seen


async def test_one_of_two_accounts_is_enough(site: Site) -> None:
    async with watching_at(site.url, "django-admin", _PASSWORDS, accounts=2) as watch:
        watch.change("PASSWORD1", 'Wrong Käse/9+&"<%>')
        seen = await watch.look()
        assert [r.outcome for r in seen.logins] == [Outcome.REJECTED, Outcome.PASS]
        assert seen.letter == "U"


async def test_a_database_that_is_gone_is_a_login_failure_although_the_form_is_there(
    site: Site,
) -> None:
    away = site.database.with_suffix(".away")
    async with watching_at(site.url, "django-admin", _PASSWORDS) as watch:
        assert (await watch.look()).letter == "U"
        site.database.rename(away)
        try:
            kept, full = await watch.look(), await watch.full_look()
        finally:
            away.replace(site.database)
        for seen in (kept, full):
            assert (seen.outcome, seen.letter) == (Outcome.FAIL, "L"), seen
            assert "Server Error (500)" in seen.detail
            assert seen.reach is not None and seen.reach.outcome is Outcome.PASS
        assert (await watch.look()).letter == "U"
