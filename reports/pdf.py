"""The month report as PDF: PDF/A-3b, tagged, with minutes, figures and terms attached.

The only place that meets WeasyPrint, which is imported when it is first needed: it costs half a
second and thirty megabytes. The same statement gives the same bytes, on every machine with the same
fonts and versions: dates come from the statement, never from the clock. Nothing is fetched.
"""

import pickle
import subprocess
import sys
import warnings
import zlib
from datetime import datetime
from typing import TYPE_CHECKING, Any

from reports.as_csv import edges_csv, minutes_csv
from reports.as_json import report_json
from reports.html import long_html, report_html
from reports.language import language_of
from reports.long_json import long_json
from uptimed.core.long_period import LongStatement
from uptimed.core.minutes import moment_of
from uptimed.core.statement import Statement
from uptimed.core.terms import canonical_json
from uptimed.core.terms_text import terms_text

if TYPE_CHECKING:
    from pydyf import PDF
    from weasyprint import Attachment, Document


_LEVEL = 1  # minutes are so alike that more effort saves a twentieth, at five times the time


class RenderingFailed(Exception):
    """The process that was to make a PDF did not; the text says how it ended."""


def render_pdf(statement: Statement | LongStatement, language: str) -> bytes:
    """Return the report as PDF/A-3b, rendered in this process."""
    from weasyprint import HTML

    page = HTML(
        string=_page_of(statement, language),
        base_url=None,
        url_fetcher=_only_data_urls(),
        media_type="print",
    )
    with warnings.catch_warnings():
        # WeasyPrint 70.0 leaves the file of its colour profile to the garbage collector.
        warnings.filterwarnings("ignore", "unclosed file .*sRGB2014", ResourceWarning)
        made: bytes = page.write_pdf(
            pdf_variant="pdf/a-3b",
            pdf_tags=True,
            attachments=_attachments(statement, language),
            finisher=_finish,
        )
    return made


def _page_of(statement: Statement | LongStatement, language: str) -> str:
    if isinstance(statement, LongStatement):
        return long_html(statement, language)
    return report_html(statement, language)


def render_in_subprocess(
    statement: Statement | LongStatement, language: str, timeout: float
) -> bytes:
    """Return the report as PDF, rendered by a process of its own with the lowest claim to the CPU.

    In the daemon's process, rendering would delay looks by tens of milliseconds. Blocks for up to
    *timeout* seconds; raises RenderingFailed when nothing has come by then, or nothing at all.
    """
    command = [sys.executable, "-P", "-m", "reports.render"]
    try:
        done = subprocess.run(  # noqa: S603 - our own module
            command,
            input=pickle.dumps((statement, language)),
            capture_output=True,
            timeout=timeout,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise RenderingFailed(f"no PDF within {timeout:g} s") from error
    if done.returncode != 0:
        said = done.stderr.decode(errors="replace").strip().splitlines()
        last = said[-1] if said else "it said nothing"
        raise RenderingFailed(f"rendering ended with status {done.returncode}: {last}")
    return done.stdout


def _only_data_urls() -> Any:
    from weasyprint.urls import URLFetcher

    return URLFetcher(allowed_protocols=["data"], allow_redirects=False)


def _attachments(statement: Statement | LongStatement, language: str) -> "list[Attachment]":
    from weasyprint import Attachment

    say = language_of(language).say
    moment = moment_of(statement.as_of)
    if isinstance(statement, LongStatement):
        text, told = long_json(statement), say("The figures of this report")
        return [_attachment(Attachment, "report.json", text, "Data", told, moment)]
    files = [
        ("minutes.csv", minutes_csv(statement), "Data", say("The minutes of the month")),
        ("edges.csv", edges_csv(statement), "Data", say("The minutes beyond the month's edges")),
        ("report.json", report_json(statement), "Data", say("The figures of this report")),
        ("contract.json", contract_json(statement), "Source", say("The contract as written")),
        ("terms.json", terms_json(statement), "Source", say("The terms that counted")),
        ("watch.json", watch_json(statement), "Source", say("How the services were watched")),
        ("chain.jsonl", chain_jsonl(statement), "Data", say("The sealed records of the days")),
        ("entries.jsonl", entries_jsonl(statement), "Data", say("What people entered")),
    ]
    return [
        _attachment(Attachment, name, text, relationship, description, moment)
        for name, text, relationship, description in files
        if text
    ]


def _attachment(
    make: type, name: str, text: str, relationship: str, description: str, moment: datetime
) -> Any:
    return make(
        string=text.encode(),
        name=name,
        description=description,
        relationship=relationship,
        created=moment,
        modified=moment,
    )


def contract_json(statement: Statement) -> str:
    """Return the contract in its canonical form: the SHA-256 of these bytes is in the report."""
    return statement.contract.canonical or canonical_json({"id": statement.contract.id})


def terms_json(statement: Statement) -> str:
    """Return the terms of availability with every value that counted, ours included."""
    return terms_text(statement.contract)


def chain_jsonl(statement: Statement) -> str:
    """Return the sealed records of the month's days, a canonical line each, service by service."""
    return "".join(f"{record}\n" for link in statement.chain for record in link.records)


def entries_jsonl(statement: Statement) -> str:
    """Return what people entered from the month on, up to the head that is printed, a line each."""
    records = () if statement.entries is None else statement.entries.records
    return "".join(f"{record}\n" for record in records)


def watch_json(statement: Statement) -> str:
    """Return how each service was watched in the month, a canonical line for each way, in order."""
    return "".join(
        f"{watch.canonical()}\n"
        for service in statement.services
        for watch in (*service.watch_before, service.watch)
    )


def _finish(_document: "Document", pdf: "PDF") -> None:
    _list_attachments_once(pdf)
    _compress_once(pdf)


def _compress_once(pdf: "PDF") -> None:
    """Compress every stream now: pydyf 0.13 would do it twice, for the identifier and the file.

    That saves half a second of a report of ten services, whose minutes are fifteen megabytes.
    """
    from pydyf import Stream

    for item in pdf.objects:
        if isinstance(item, Stream) and item.compress:
            written = Stream(item.stream).data
            content = written.partition(b"\nstream\n")[2].removesuffix(b"\nendstream")
            item.stream = [zlib.compress(content, _LEVEL)]
            item.compress = False
            item.extra["Filter"] = "/FlateDecode"


def _list_attachments_once(pdf: "PDF") -> None:
    """Undo that WeasyPrint 70.0 lists every attachment twice in `/AF`.

    https://github.com/Kozea/WeasyPrint/issues/2917; goes when the pinned version is past it.
    """
    listed = pdf.catalog["AF"]
    listed[:] = list(dict.fromkeys(listed))
