"""How templates are compiled and kept."""

from pathlib import Path

from reports.templating import environment


def test_what_was_compiled_is_kept_for_the_next_process(tmp_path: Path) -> None:
    environment(tmp_path).get_template("masthead.html.j2")
    (kept,) = tmp_path.iterdir()
    before = kept.stat().st_mtime_ns
    environment(tmp_path).get_template("masthead.html.j2")
    assert [f.stat().st_mtime_ns for f in tmp_path.iterdir()] == [before]


def test_where_nothing_can_be_kept_templates_are_compiled_each_time(tmp_path: Path) -> None:
    folder = tmp_path / "there" / "is" / "none"
    assert environment(folder).get_template("masthead.html.j2").name == "masthead.html.j2"
    assert not folder.exists()


def test_what_was_spoilt_is_compiled_anew(tmp_path: Path) -> None:
    environment(tmp_path).get_template("masthead.html.j2")
    (kept,) = tmp_path.iterdir()
    kept.write_bytes(b"nothing of ours")
    environment(tmp_path).get_template("masthead.html.j2")
    assert kept.read_bytes() != b"nothing of ours"
