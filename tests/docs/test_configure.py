"""docs/configure.md has every setting, and no other; its examples can be used."""

import tomllib
from pathlib import Path

import pytest

from tests.docs.pages import DOCS, PAGES, Block, blocks, codes, section, tables
from uptimed.config import contracts, load, load_contract, shapes
from uptimed.config.calendars import read_calendar
from uptimed.config.checking import Findings, Shape
from uptimed.config.values import say_duration
from uptimed.core.minutes import MINUTE

_KIND = (shapes.ProbeShape, shapes.WithTls)
# Shape, heading, which of the tables of keys under it, and the shapes whose keys stand elsewhere.
_PLACES: list[tuple[type[Shape], str, int, tuple[type[Shape], ...]]] = [
    (shapes.JournalShape, "`[journal]`", 0, ()),
    (shapes.VantageShape, "`[vantage]`", 0, ()),
    (shapes.SelfCheckShape, "`[self_check]`", 0, ()),
    (shapes.ListenShape, "`[listen]`", 0, ()),
    (shapes.HeartbeatShape, "`[heartbeat]`", 0, ()),
    (shapes.InfluxShape, "`[influxdb]`", 0, ()),
    (shapes.AlertmanagerShape, "`[alertmanager]`", 0, ()),
    (shapes.MailShape, "`[mail]`", 0, ()),
    (shapes.WebhookShape, "`[webhook]`", 0, ()),
    (shapes.OperatorShape, "`[operator]`", 0, ()),
    (shapes.LogShape, "`[log]`", 0, ()),
    (shapes.ClientShape, "Clients", 0, ()),
    (shapes.ServiceShape, "Services", 0, ()),
    (shapes.MaintenanceShape, "Maintenance", 0, ()),
    (shapes.ProbeShape, "Probes", 0, ()),
    (shapes.ExpectShape, "Probes", 1, ()),
    (shapes.WithTls, "Probes", 2, ()),
    (shapes.HttpShape, "kind http", 0, _KIND),
    (shapes.HttpExpectShape, "kind http", 1, (shapes.ExpectShape,)),
    (shapes.JsonShape, "kind http", 2, ()),
    (shapes.TcpShape, "kind tcp", 0, _KIND),
    (shapes.TcpExpectShape, "kind tcp", 1, (shapes.ExpectShape,)),
    (shapes.TlsShape, "kind tls", 0, _KIND),
    (shapes.TlsExpectShape, "kind tls", 1, (shapes.ExpectShape,)),
    (shapes.DnsShape, "kind dns", 0, _KIND),
    (shapes.DnsExpectShape, "kind dns", 1, (shapes.ExpectShape,)),
    (shapes.LoginShape, "kind login", 0, _KIND),
    (shapes.LoginExpectShape, "kind login", 1, (shapes.ExpectShape,)),
    (shapes.AccountShape, "kind login", 2, ()),
    (contracts.ContractShape, "The contract", 0, ()),
    (contracts.AvailabilityShape, "The contract", 1, ()),
    (shapes.ReportDueShape, "When the report is due", 0, ()),
]
_IDS = [shape.__name__ for shape, *_ in _PLACES]

_SERVICE = """\
[[clients]]
id = "acme"
name = "ACME S.A.S."
contract = "datacrm"

[[clients.services]]
id = "acme-crm"
name = "CRM"
"""


def _rows(heading: str, number: int) -> dict[str, str]:
    """Return what a table of keys says of each key's default."""
    of_keys = [t for t in tables(section("configure.md", heading)) if t[0][0] == "key"]
    return {key: row[1] for row in of_keys[number][1:] for key in codes(row[0])}


def _keys(shape: type[Shape]) -> set[str]:
    return {field.alias or name for name, field in shape.model_fields.items()}


@pytest.mark.parametrize(("shape", "heading", "number", "elsewhere"), _PLACES, ids=_IDS)
def test_the_table_of_a_section_has_its_keys_and_no_others(
    shape: type[Shape], heading: str, number: int, elsewhere: tuple[type[Shape], ...]
) -> None:
    wanted = _keys(shape).difference(*map(_keys, elsewhere))
    if shape is shapes.ProbeShape:
        wanted |= {"expect"}  # every kind has one of its own
    elif shape is not shapes.TcpShape:  # which takes a text as well
        wanted -= {"expect"}
    assert set(_rows(heading, number)) == wanted


def test_no_shape_of_the_configuration_is_left_out() -> None:
    told = {shape for shape, *_ in _PLACES}
    there = {s for s in vars(shapes).values() if isinstance(s, type) and issubclass(s, Shape)}
    assert there - told == {Shape}


@pytest.mark.parametrize(("shape", "heading", "number", "elsewhere"), _PLACES, ids=_IDS)
def test_the_table_of_a_section_says_what_must_be_written(
    shape: type[Shape], heading: str, number: int, elsewhere: tuple[type[Shape], ...]
) -> None:
    rows = _rows(heading, number)
    for name, field in shape.model_fields.items():
        said = rows.get(field.alias or name)
        extra = field.json_schema_extra
        required = field.is_required() or (isinstance(extra, dict) and "required" in extra)
        if said is not None:
            assert (said == "required") is required, name


@pytest.mark.parametrize(("shape", "heading", "number", "elsewhere"), _PLACES, ids=_IDS)
def test_the_table_of_a_section_says_the_defaults(
    shape: type[Shape], heading: str, number: int, elsewhere: tuple[type[Shape], ...]
) -> None:
    rows = _rows(heading, number)
    for name, field in shape.model_fields.items():
        said, default = rows.get(field.alias or name), field.default
        if said is not None and isinstance(default, bool | int | str) and default != "":
            assert said in _written(default), name


def _written(default: bool | int | str) -> set[str]:
    """Return how a default may be written: a number may be a count, a duration or a size.

    Letters are written as a list of them.
    """
    if isinstance(default, bool):
        return {f"`{str(default).lower()}`"}
    if isinstance(default, str):
        return {f'`"{default}"`', f"`{list(default)}`".replace("'", '"')}
    sizes = {f'`"{default // 1024}KiB"`', f'`"{default // 60:02d}:{default % 60:02d}"`'}
    return sizes | {
        f"`{default}`", f'`"{say_duration(default)}"`', f'`"{say_duration(default * MINUTE)}"`',
    }  # fmt: skip


_TOML = [block for page in PAGES for block in blocks(page) if block.language == "toml"]
_OURS = [block for block in _TOML if block.page != DOCS / "flows.md"]  # whose files are not there


@pytest.mark.parametrize("block", _TOML, ids=str)
def test_every_example_is_toml(block: Block) -> None:
    assert tomllib.loads(block.text)


@pytest.mark.parametrize("block", _OURS, ids=str)
def test_every_example_can_be_used(block: Block, tmp_path: Path) -> None:
    path = tmp_path / "example.toml"
    held = tomllib.loads(block.text)
    if "availability" in held:
        path.write_text(block.text, encoding="utf-8")
        assert load_contract(str(path)).terms.id == held["id"]
        return
    if "first_year" in held:
        path.write_text(block.text, encoding="utf-8")
        assert read_calendar(path, held["id"], Findings()) is not None
        return
    begun = isinstance(held.get("clients", []), list)
    path.write_text(block.text if begun else _SERVICE + block.text, encoding="utf-8")
    assert load(path).settings.journal_path


def test_the_presets_of_the_readme_are_those_that_ship() -> None:
    readme = (DOCS.parent / "README.md").read_text(encoding="utf-8")
    table = next(t for t in tables(readme) if t[0][0] == "preset")
    languages = {"es": "Spanish", "ru": "Russian", "en": "English"}
    told = {codes(row[0])[0]: row[2:] for row in table[1:]}
    for name in contracts.preset_names():
        terms = load_contract(name).terms
        kind = "promised" if terms.promised else "house reference"
        availability, zone, language = told.pop(name)
        assert availability == f"{terms.target} %, {kind}"
        assert zone.startswith(terms.zone_name)
        assert language == languages[terms.language]
    assert told == {}
