"""docs/logins.md has every flow that ships, and names no setting that there is not."""

import re
from pathlib import Path

import pytest

from probes.flowfile import find_flow, preset_names

_TEXT = (Path(__file__).parents[2] / "docs" / "logins.md").read_text(encoding="utf-8")
_COMMON = {"login_every", "max_rejected_per_hour", "base_url", "client_secret"}


@pytest.mark.parametrize("preset", preset_names())
def test_the_page_has_each_flow(preset: str) -> None:
    assert f"`{preset}`" in _TEXT


def test_every_setting_on_the_page_is_one_of_some_flow() -> None:
    known = {name for preset in preset_names() for name in find_flow(preset).settings}
    named = set(re.findall(r"`([a-z]+(?:_[a-z0-9]+)+)`", _TEXT))
    columns = {"user_name", "user_password", "verify_client_ip", "get_server_info"}
    tables = {"auth_log_record"}
    assert named - known - _COMMON - columns - tables == set()


def test_the_page_has_every_setting_of_a_form_and_its_default() -> None:
    rows = dict(re.findall(r"^\| `(\w+)` \| (?:`([^`]*)`)?", _TEXT, re.MULTILINE))
    settings = find_flow("form").settings
    assert set(settings) <= set(rows)
    for name, setting in settings.items():
        if setting.default and "\n" not in setting.default:
            assert rows[name] == setting.default
