"""The paper: PDF/A-3b, tagged, with its data attached, and the same bytes every time."""

import hashlib
import io
import json
import logging
import os
import pickle
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pikepdf
import pytest

from reports.as_csv import edges_csv, minutes_csv
from reports.as_json import report_json
from reports.files import write_atomically
from reports.pdf import (
    RenderingFailed,
    chain_jsonl,
    contract_json,
    entries_jsonl,
    render_in_subprocess,
    render_pdf,
    terms_json,
    watch_json,
)
from tests.reports import samples
from uptimed.core.statement import EntriesHead, Party

_RECORDS = ('{"day":"2026-10-01"}', '{"day":"2026-10-02"}')
_MET = samples.met_with_nothing_left()
STATEMENT = replace(
    _MET,
    chain=(replace(_MET.chain[0], records=_RECORDS),),
    entries=EntriesHead(count=2, head="e5" * 32, records=('{"place":1}', '{"place":2}')),
)


@pytest.fixture(scope="module")
def made() -> bytes:
    return render_pdf(STATEMENT, "es")


@pytest.fixture(scope="module")
def pdf(made: bytes) -> pikepdf.Pdf:
    return pikepdf.open(io.BytesIO(made))


def test_it_says_that_it_is_pdf_a_3b(pdf: pikepdf.Pdf) -> None:
    with pdf.open_metadata() as metadata:
        assert metadata.pdfa_status == "3B"
    assert pdf.Root.OutputIntents[0].S == "/GTS_PDFA1"
    assert "/ID" in pdf.trailer
    assert not pdf.is_encrypted


def test_it_is_tagged_and_has_a_language_and_a_title(pdf: pikepdf.Pdf) -> None:
    assert pdf.Root.MarkInfo.Marked
    assert "/StructTreeRoot" in pdf.Root
    assert str(pdf.Root.Lang) == "es"
    with pdf.open_metadata() as metadata:
        title = metadata["dc:title"]
    assert title == "Informe de disponibilidad: ACME S.A.S., octubre de 2026"


def test_its_pictures_say_in_words_what_they_show(pdf: pikepdf.Pdf) -> None:
    alternatives = [
        str(item["/Alt"])
        for item in pdf.objects
        if isinstance(item, pikepdf.Dictionary) and item.get("/S") == "/Figure" and "/Alt" in item
    ]
    assert any("por minutos" in alternative for alternative in alternatives)


def test_its_outline_names_the_parts(pdf: pikepdf.Pdf) -> None:
    with pdf.open_outline() as outline:
        assert [item.title for item in outline.root] == ["ACME S.A.S., octubre de 2026"]
        assert [item.title for item in outline.root[0].children] == [
            "DataCRM",
            "Las condiciones",
            "Pruebas",
        ]


def test_every_font_is_embedded(pdf: pikepdf.Pdf) -> None:
    fonts = [
        item
        for item in pdf.objects
        if isinstance(item, pikepdf.Dictionary) and item.get("/Type") == "/FontDescriptor"
    ]
    assert fonts
    assert all("/FontFile2" in font or "/FontFile3" in font for font in fonts)


def test_the_data_is_attached_as_it_is(pdf: pikepdf.Pdf) -> None:
    found = {name: bytes(spec.get_file().read_bytes()) for name, spec in pdf.attachments.items()}
    assert found == {
        "minutes.csv": minutes_csv(STATEMENT).encode(),
        "edges.csv": edges_csv(STATEMENT).encode(),
        "report.json": report_json(STATEMENT).encode(),
        "contract.json": contract_json(STATEMENT).encode(),
        "terms.json": terms_json(STATEMENT).encode(),
        "watch.json": watch_json(STATEMENT).encode(),
        "chain.jsonl": chain_jsonl(STATEMENT).encode(),
        "entries.jsonl": entries_jsonl(STATEMENT).encode(),
    }


def test_the_attached_terms_have_every_value_that_counted() -> None:
    terms = json.loads(terms_json(STATEMENT))
    assert (terms["min_coverage"], terms["hours"], terms["excludes"]) == ("99.9", None, [])
    assert terms["sha256"] == STATEMENT.contract.sha256
    assert {"maintenance_notice_us", "maintenance_cap", "attempt_rule"} <= terms.keys()


def test_what_there_is_nothing_of_is_not_attached() -> None:
    nothing = pikepdf.open(io.BytesIO(render_pdf(samples.nothing_measured(), "en")))
    assert not {"chain.jsonl", "entries.jsonl"} & nothing.attachments.keys()


def test_the_attached_terms_hash_to_what_is_printed() -> None:
    watch = watch_json(STATEMENT).splitlines()[0]
    service = json.loads(report_json(STATEMENT))["services"][0]
    assert hashlib.sha256(watch.encode()).hexdigest() == service["watch_sha256"]


def test_each_attachment_is_associated_once(pdf: pikepdf.Pdf) -> None:
    associated = [spec.objgen for spec in pdf.Root.AF]
    assert len(associated) == len(set(associated)) == 8
    assert {str(spec.AFRelationship) for spec in pdf.Root.AF} == {"/Data", "/Source"}


def test_its_dates_are_the_datas_and_not_the_clocks(pdf: pikepdf.Pdf) -> None:
    with pdf.open_metadata() as metadata:
        assert metadata["xmp:CreateDate"].startswith("2026-11-01T11:00:00")
    for spec in pdf.attachments.values():
        assert spec.get_file().creation_date is not None
        assert str(spec.get_file().creation_date).startswith("2026-11-01 11:00:00")


def test_weasyprint_finds_nothing_to_remark(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        for make in (samples.three_services, samples.demonstration, samples.nothing_measured):
            render_pdf(make(), "ru")
    assert [record.getMessage() for record in caplog.records] == []


def test_nothing_is_fetched_for_a_logo_that_points_elsewhere(
    caplog: pytest.LogCaptureFixture,
) -> None:
    logo = (
        b'<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9">'
        b'<image href="file:///etc/hostname" width="9" height="9"/></svg>'
    )
    party = Party(name="x", logo=logo, logo_type="image/svg+xml")
    assert render_pdf(samples.met_with_nothing_left(operator=party), "en").startswith(b"%PDF")
    assert all("disallowed protocol" in record.getMessage() for record in caplog.records)


_OTHER_WORLDS = [
    {"PYTHONHASHSEED": "1", "TZ": "Asia/Kolkata", "LC_ALL": "C"},
    {"PYTHONHASHSEED": "7", "TZ": "America/Bogota", "LC_ALL": "C.UTF-8"},
]


@pytest.mark.parametrize("world", _OTHER_WORLDS, ids=["kolkata", "bogota"])
def test_the_same_month_gives_the_same_bytes_in_another_process(
    made: bytes, world: dict[str, str]
) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "reports.render"],
        input=pickle.dumps((STATEMENT, "es")),
        capture_output=True,
        check=True,
        env={**os.environ, **world},
    )
    assert hashlib.sha256(done.stdout).digest() == hashlib.sha256(made).digest()


def test_a_process_of_its_own_renders_the_same(made: bytes) -> None:
    assert render_in_subprocess(STATEMENT, "es", timeout=60) == made


def test_a_process_that_takes_too_long_is_ended() -> None:
    with pytest.raises(RenderingFailed, match="no PDF within"):
        render_in_subprocess(STATEMENT, "es", timeout=0.01)


def test_a_process_that_fails_is_told_of_with_its_last_words() -> None:
    broken: Any = "not a statement"
    with pytest.raises(RenderingFailed, match="AttributeError"):
        render_in_subprocess(broken, "es", timeout=60)


def test_a_flapping_month_stays_bounded() -> None:
    made = render_pdf(samples.flapping(), "en")
    assert len(made) < 600_000
    assert len(pikepdf.open(io.BytesIO(made)).pages) < 20


def test_a_month_of_which_no_minute_is_judged_yet_makes_a_paper_too() -> None:
    terms, span = samples.contract(), samples.period("2026-10", judged=0)
    crm = samples.service(span, {}, terms)
    assert render_pdf(samples.statement(span, [crm], terms), "ru").startswith(b"%PDF-1.7")


def test_a_file_is_there_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "report.pdf"
    write_atomically(path, b"old")
    write_atomically(path, b"new")
    assert path.read_bytes() == b"new"
    with pytest.raises(TypeError):
        write_atomically(path, "no bytes")  # type: ignore[arg-type]
    assert path.read_bytes() == b"new"
    assert [found.name for found in tmp_path.iterdir()] == ["report.pdf"]
