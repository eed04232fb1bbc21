"""`[alertmanager]`, as it is read and remarked on."""

from pathlib import Path

import pytest

from uptimed.config import Loaded, load
from uptimed.core.observations import SECOND
from uptimed.core.settings import Alerting, secrets_of
from uptimed.core.targets import Secret, SecretPlace


def _loaded(folder: Path, text: str) -> Loaded:
    path = folder / "uptimed.toml"
    path.write_text(f"[alertmanager]\n{text}", encoding="utf-8")
    return load(path)


def test_everything_can_be_said(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("")
    settings = _loaded(
        tmp_path,
        """
        urls = ["https://a.example:9093/", "https://b.example/alerts"]
        username = "uptimed"
        password = { file = "secret" }
        ca_file = "ca.pem"
        timeout = "3s"
        runbook_url = "https://wiki.example/uptimed/"
        generator_url = "https://grafana.example/"
        """,
    ).settings
    password = Secret(SecretPlace.FILE, str(tmp_path / "secret"))
    assert settings.alertmanager == Alerting(
        urls=("https://a.example:9093", "https://b.example/alerts"),
        username="uptimed",
        password=password,
        ca_file=str(tmp_path / "ca.pem"),
        timeout_us=3 * SECOND,
        runbook_url="https://wiki.example/uptimed/",
        generator_url="https://grafana.example/",
    )
    assert secrets_of(settings) == (password,)


def test_a_token_is_a_secret_that_is_masked(tmp_path: Path) -> None:
    text = 'urls = ["https://a.example"]\ntoken = { env = "T" }'
    assert secrets_of(_loaded(tmp_path, text).settings) == (Secret(SecretPlace.ENV, "T"),)


def test_no_section_pushes_nowhere(tmp_path: Path) -> None:
    (tmp_path / "uptimed.toml").write_text("")
    assert load(tmp_path / "uptimed.toml").settings.alertmanager is None


@pytest.mark.parametrize(
    ("url", "count"),
    [("http://a.example", 1), ("http://127.0.0.1:9093", 0), ("https://a.example", 0)],
)
def test_a_secret_that_is_sent_in_clear_is_remarked_on(
    tmp_path: Path, url: str, count: int
) -> None:
    remarks = _loaded(tmp_path, f'urls = ["{url}"]\ntoken = {{ env = "T" }}').remarks
    assert [r.key for r in remarks].count("alertmanager.urls") == count
