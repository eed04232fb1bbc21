"""What mails say, in three languages, as text and as HTML."""

from dataclasses import replace
from zoneinfo import ZoneInfo

import pytest

from reports.mails import Sender, notice_mail, report_mail
from tests.fakes import at
from tests.reports.samples import met_with_nothing_left
from uptimed.core.outbox import MailKind, Notice
from uptimed.core.statement import Party

BOGOTA = ZoneInfo("America/Bogota")


def sender(language: str = "en", **more: object) -> Sender:
    given: dict[str, object] = {
        "client": Party(name="ACME", id="acme"), "operator": Party(name="Monitor <S.A.>"),
        "language": language, "zone": BOGOTA, "number": "ACME-N7",
    }  # fmt: skip
    return Sender(**(given | more))  # type: ignore[arg-type]


def notice(kind: MailKind, **more: object) -> Notice:
    given: dict[str, object] = {
        "kind": kind, "services": ("CRM", "PIM"), "start": at("2026-11-10 07:00"),
        "stop": at("2026-11-10 09:00"), "reason": "upgrade",
    }  # fmt: skip
    return Notice(**(given | more))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("en", ["Availability report, October 2026", "Result: Met", "Minutes down: "]),
        ("es", ["Informe de disponibilidad, octubre de 2026", "Resultado: Cumplido"]),
        ("ru", ["Отчёт о доступности, октябрь 2026", "Итог: Выполнено"]),
    ],
)
def test_a_report_is_introduced_in_the_clients_language(language: str, said: list[str]) -> None:
    found = report_mail(met_with_nothing_left(), language, "ACME-2026-10-1")
    assert found.subject.startswith("[ACME-2026-10-1] ")
    for text in said:
        assert text in found.text


@pytest.mark.parametrize(
    ("language", "promised", "not_promised"),
    [
        ("en", "    Target: ", "    House reference: "),
        ("es", "    Objetivo: ", "    Nuestra referencia: "),
        ("ru", "    Целевой показатель: ", "    Наш ориентир: "),
    ],
)
def test_what_nobody_promised_is_called_no_target(
    language: str, promised: str, not_promised: str
) -> None:
    month = met_with_nothing_left()
    contract = replace(month.contract, promised=False)
    house = report_mail(replace(month, contract=contract), language, "ACME-2026-10-1").text
    assert promised in report_mail(month, language, "ACME-2026-10-1").text
    assert not_promised in house
    assert promised not in house


@pytest.mark.parametrize("language", ["en", "es", "ru"])
def test_no_sentence_ends_twice(language: str) -> None:
    assert ".." not in report_mail(met_with_nothing_left(), language, "ACME-2026-10-1").text


def test_text_and_html_have_the_same_figures() -> None:
    found = report_mail(met_with_nothing_left(), "en", "ACME-2026-10-1")
    assert "%" in found.text
    figures = [word for word in found.text.split() if word[0].isdigit()]
    for figure in figures:
        assert figure in found.html.replace("\N{NO-BREAK SPACE}", " ")


def test_a_revision_says_whose_place_it_takes() -> None:
    found = report_mail(replace(met_with_nothing_left(), revision=3), "en", "ACME-2026-10-3")
    assert "This is revision 3. It takes the place of revision 2" in found.text
    assert "revision" not in report_mail(met_with_nothing_left(), "en", "ACME-2026-10-1").text


def test_made_up_history_is_marked_everywhere() -> None:
    found = report_mail(replace(met_with_nothing_left(), made_up=True), "en", "ACME-2026-10-1")
    for text in (found.subject, found.text, found.html):
        assert "Made-up history: a demonstration" in text


@pytest.mark.parametrize("language", ["en", "es", "ru"])
@pytest.mark.parametrize("kind", [kind for kind in MailKind if kind is not MailKind.REPORT])
def test_every_notice_says_its_number_and_its_services(kind: MailKind, language: str) -> None:
    found = notice_mail(notice(kind), sender(language))
    assert found.subject.startswith("[ACME-N7] ")
    assert len(found.subject) < 120
    if kind is not MailKind.TEST:
        assert "CRM, PIM" in found.subject
        assert "10" in found.text
        assert "02:00" in found.text


def test_words_of_others_stay_words() -> None:
    found = notice_mail(
        notice(MailKind.EXCEPTION, reason="<b>dam</b>\r\nbroke\x1b", services=("C<RM",)), sender()
    )
    assert "&lt;b&gt;dam&lt;/b&gt; broke" in found.html
    assert "<b>" not in found.html
    assert "Reason: <b>dam</b> broke\n" in found.text
    assert found.subject.isprintable()
    assert "Monitor &lt;S.A.&gt;" in found.html


def test_an_urgent_login_failure_is_told_from_a_system_that_is_down() -> None:
    login = notice_mail(notice(MailKind.OUTAGE, stop=None, letter="L"), sender())
    down = notice_mail(notice(MailKind.OUTAGE, stop=None, letter="D"), sender())
    assert "cannot log in" in login.text
    assert "Users cannot use CRM, PIM" in down.text


def test_the_end_of_an_outage_says_how_long_it_was() -> None:
    found = notice_mail(notice(MailKind.OUTAGE_END), sender())
    assert "lasted 2 h." in found.text.replace("\N{NO-BREAK SPACE}", " ")


def test_a_subject_has_an_end() -> None:
    found = notice_mail(notice(MailKind.OUTAGE, services=("x" * 5000,)), sender())
    assert len(found.subject) < 300
