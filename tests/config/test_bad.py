"""Every rule has a file that breaks it, and the file says what is told.

The files in `bad/` and `contracts/bad/` begin with a line `# says: ` per mistake, in order: what is
printed, without the file where that is the file itself. `{here}` stands for this folder.
"""

from pathlib import Path

import pytest

from uptimed.config import ConfigError, Mistake, load, load_contract

HERE = Path(__file__).parent
CANARY = "canary-7f3a"
SAYS = "# says: "


def _files(folder: str) -> list[object]:
    return [pytest.param(path, id=path.stem) for path in sorted((HERE / folder).glob("*.toml"))]


def _wanted(path: Path) -> list[str]:
    lines = path.read_text(encoding="utf-8").splitlines()
    return [line.removeprefix(SAYS) for line in lines if line.startswith(SAYS)]


def _said(error: ConfigError, path: Path) -> list[str]:
    said = (str(mistake).removeprefix(f"{path}: ") for mistake in error.mistakes)
    return [line.replace(str(HERE), "{here}") for line in said]


@pytest.mark.parametrize("path", _files("bad"))
def test_a_bad_file_is_told_all_its_mistakes(path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        load(path, flows=["suitecrm8", "vtiger"])
    assert _said(caught.value, path) == _wanted(path)


@pytest.mark.parametrize("path", _files("contracts/bad"))
def test_a_bad_contract_is_told_all_its_mistakes(path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        load_contract(str(path))
    assert _said(caught.value, path) == _wanted(path)


@pytest.mark.parametrize("path", _files("bad"))
def test_no_secret_is_echoed(path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        load(path, flows=["suitecrm8", "vtiger"])
    assert CANARY not in str(caught.value)
    assert CANARY not in repr(caught.value)
    assert caught.value.__cause__ is None


def test_there_are_canaries_to_be_echoed() -> None:
    files = [path for path in (HERE / "bad").glob("*.toml") if CANARY in path.read_text("utf-8")]
    assert len(files) >= 10


def test_an_error_is_one_line_per_mistake_with_file_key_found_and_wanted() -> None:
    error = ConfigError(
        [
            Mistake("a.toml", "log.level", '"loud"', '"info"'),
            Mistake("b.toml", "", "nothing", "something"),
        ]
    )
    assert str(error).splitlines() == [
        'a.toml: log.level: found "loud", wanted "info"',
        "b.toml: found nothing, wanted something",
    ]


def test_a_bad_text_of_great_length_is_cut(tmp_path: Path) -> None:
    path = tmp_path / "long.toml"
    path.write_text(f'[log]\nlevel = "{"x" * 500}"\n')
    with pytest.raises(ConfigError) as caught:
        load(path)
    assert len(str(caught.value)) < 300


@pytest.mark.parametrize(
    ("content", "said"),
    [
        pytest.param(b"\xff", "byte 1: found bytes that are no text, wanted UTF-8", id="not UTF-8"),
        pytest.param(
            None, "found no such file or directory, wanted a file that can be read", id="gone"
        ),
    ],
)
def test_a_file_that_cannot_be_read_is_told(
    tmp_path: Path, content: bytes | None, said: str
) -> None:
    path = tmp_path / "file.toml"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ConfigError) as caught:
        load(path)
    assert _said(caught.value, path) == [said]
