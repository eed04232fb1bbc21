"""The catalogues: complete, without doubts, right in their plurals and placeholders."""

import re
import string
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po

import reports
from reports.language import LANGUAGES
from reports.vocabulary import CAUSES
from uptimed.core.observations import Cause

_ROOT = Path(reports.__file__).parent
_KEYWORDS = {"say": None, "count": (1, 2), "mark": None}
_METHODS = [("templates/**.j2", "jinja2"), ("**.py", "python")]
_OPTIONS = {"templates/**.j2": {"trimmed": "true"}}


def _spoken() -> set[object]:
    found = extract_from_dir(_ROOT, _METHODS, _OPTIONS, _KEYWORDS, ())
    return {message for _, _, message, _, _ in found}


def _catalogue(code: str) -> Catalog:
    path = _ROOT / "locales" / code / "LC_MESSAGES" / "reports.po"
    with path.open("rb") as file:
        return read_po(file, locale=code, abort_invalid=True)


def _forms(value: object) -> tuple[str, ...]:
    return value if isinstance(value, tuple) else (str(value),)


def _places(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


@pytest.mark.parametrize("code", LANGUAGES)
def test_every_message_is_in_the_catalogue_and_no_other(code: str) -> None:
    """After a change of texts: `reports/locales/README.md` says what to run."""
    assert {message.id for message in _catalogue(code) if message.id} == _spoken()


@pytest.mark.parametrize("code", LANGUAGES)
def test_every_message_is_translated_without_doubt(code: str) -> None:
    for message in _catalogue(code):
        if message.id:
            assert all(_forms(message.string)), message.id
            assert not message.fuzzy, message.id


@pytest.mark.parametrize("code", LANGUAGES)
def test_placeholders_and_markup_survive_translation(code: str) -> None:
    for message in _catalogue(code):
        if not message.id:
            continue
        allowed = {name for form in _forms(message.id) for name in _places(form)}
        tags = re.findall(r"</?\w+>", _forms(message.id)[0])
        *others, last = _forms(message.string)
        assert _places(last) == allowed
        for form in (*others, last):
            assert _places(form) <= allowed
            assert re.findall(r"</?\w+>", form) == tags


@pytest.mark.parametrize(("code", "forms"), [("en", 2), ("es", 2), ("ru", 3)])
def test_a_plural_has_as_many_forms_as_the_language(code: str, forms: int) -> None:
    catalogue = _catalogue(code)
    assert catalogue.num_plurals == forms
    plurals = [message for message in catalogue if isinstance(message.id, tuple)]
    assert plurals
    assert all(len(_forms(message.string)) == forms for message in plurals)


def test_nothing_is_left_in_english() -> None:
    """Words that are the same in two languages are the exceptions, and few."""
    same = {
        code: {
            str(message.id)
            for message in _catalogue(code)
            if message.id and message.string == message.id
        }
        for code in ("es", "ru")
    }
    assert same["es"] <= {"{n} d", "{n} h", "{n} min", "{n} ms", "{n} s", "d MMM y", "d MMM",
                          "no", "no: {why}"}  # fmt: skip
    assert same["ru"] <= {"{spent}, {left}."}


def test_every_cause_has_words() -> None:
    assert {cause.value for cause in Cause} <= set(CAUSES)
