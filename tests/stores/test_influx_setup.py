"""Buckets and the task are made once, or it is said what to run."""

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from tests.stores.following import LETTERS, LOOKS, HastyClock, Vault
from tests.stores.influx_double import ORG, ORG_ID, InfluxDouble, influx_double
from uptimed.core.settings import Influx
from uptimed.core.targets import Secret, SecretPlace
from uptimed.stores.influx_setup import (
    TASK,
    SetUp,
    flux_text,
    set_up,
    task_flux,
    what_to_run,
)


@pytest.fixture
async def double() -> AsyncIterator[InfluxDouble]:
    async with influx_double() as made:
        yield made


@pytest.fixture
def influx(double: InfluxDouble) -> Influx:
    return Influx(url=double.url, org=ORG, token=Secret(SecretPlace.ENV, "TOKEN"))


async def _set_up(influx: Influx, vault: Vault | None = None) -> SetUp:
    return await set_up(
        influx, looks_kept_days=400, secrets=vault or Vault(), clock=HastyClock(), software="0"
    )


async def test_buckets_and_the_task_are_made(double: InfluxDouble, influx: Influx) -> None:
    made = await _set_up(influx)
    assert made == SetUp(
        done=(
            f"bucket {LOOKS}, keeps 400 days", f"bucket {LETTERS}, keeps for good", f"task {TASK}",
        ),
    )  # fmt: skip
    assert {b["name"]: b["retentionRules"] for b in double.buckets.values()} == {
        LOOKS: [{"type": "expire", "everySeconds": 400 * 86_400}],
        LETTERS: [{"type": "expire", "everySeconds": 0}],
    }
    assert [b["orgID"] for b in double.buckets.values()] == [ORG_ID] * 2
    assert [task["flux"] for task in double.tasks] == [task_flux(influx)]


async def test_a_second_time_nothing_is_made(double: InfluxDouble, influx: Influx) -> None:
    await _set_up(influx)
    again = await _set_up(influx)
    assert again.done == () and again.problems == () and again.to_run == ""
    assert again.there == (f"bucket {LOOKS}", f"bucket {LETTERS}", f"task {TASK}")
    assert len(double.tasks) == 1


async def test_one_bucket_for_both_is_made_once(double: InfluxDouble, influx: Influx) -> None:
    made = await _set_up(replace(influx, bucket_letters=influx.bucket_looks))
    assert len(made.done) == 2
    assert list(double.buckets) == [LOOKS]


async def test_what_the_token_may_not_do_is_said_as_text_to_run(
    double: InfluxDouble, influx: Influx
) -> None:
    double.may_create = False
    made = await _set_up(influx)
    assert made.done == ()
    assert len(made.problems) == 3
    assert "the token may not" in made.problems[0]
    assert made.to_run == what_to_run(influx, 400)


@pytest.mark.parametrize(
    ("token", "org", "told"),
    [
        pytest.param("wrong", ORG, "the token is wrong", id="wrong token"),
        pytest.param("", ORG, "TOKEN is not set", id="no token"),
        pytest.param("good-token", "theirs", "no organisation theirs", id="wrong organisation"),
    ],
)
async def test_a_server_that_does_not_know_us_is_told_of_with_text_to_run(
    influx: Influx, token: str, org: str, told: str
) -> None:
    made = await _set_up(replace(influx, org=org), Vault(token))
    assert told in made.problems[0]
    assert made.to_run.startswith("influx bucket create")


async def test_a_server_that_is_not_there_is_told_of(influx: Influx) -> None:
    async with influx_double() as gone:
        elsewhere = replace(influx, url=gone.url)
    made = await _set_up(elsewhere)
    assert "cannot connect" in made.problems[0]
    assert made.to_run


def test_text_to_run_is_safe_to_paste() -> None:
    odd = Influx(url="https://i.example", org="it's $HOME", bucket_looks='a"b${c}')
    text = what_to_run(odd, 400)
    assert "--org 'it'\\''s $HOME'" in text
    assert "--retention 400d" in text and "--retention 0\n" in text
    assert 'from(bucket: "a\\"b\\${c}")' in text
    assert "token" not in text.lower()


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ("plain", '"plain"'),
        ('a"b', '"a\\"b"'),
        ("a\\b", '"a\\\\b"'),
        ("${x}", '"\\${x}"'),
        ("a\nb", '"a\\nb"'),
    ],
)
def test_a_text_in_flux_is_escaped(value: str, written: str) -> None:
    assert flux_text(value) == written
