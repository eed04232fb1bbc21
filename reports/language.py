"""The languages a report speaks.

The catalogues are text (`locales/*/LC_MESSAGES/reports.po`) and are compiled in memory when first
used: no built file can be older than its source, and nothing has to be built before installing.
"""

import gettext
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from io import BytesIO

from babel import Locale
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

LANGUAGES = ("en", "es", "ru")


def mark(message: str) -> str:
    """Return *message* as it is: it is found for the catalogues here and spoken elsewhere."""
    return message


@dataclass(frozen=True, slots=True)
class Language:
    """One language: what it calls things, and how it writes numbers and dates."""

    code: str
    locale: Locale
    catalogue: gettext.NullTranslations

    def say(self, message: str, /, **values: object) -> str:
        """Return *message* in this language, with *values* in its braces."""
        return self.catalogue.gettext(message).format(**values)

    def count(self, one: str, many: str, n: int, /, **values: object) -> str:
        """Return the form of *one* and *many* that goes with *n*, with *values* in its braces."""
        return self.catalogue.ngettext(one, many, abs(n)).format(**values)


@cache
def language_of(code: str) -> Language:
    """Return the language of *code*, such as `es` or `es-CO`; English where we do not speak it."""
    spoken = code.replace("_", "-").split("-", maxsplit=1)[0].lower()
    if spoken not in LANGUAGES:
        spoken = "en"
    return Language(spoken, Locale(spoken), _catalogue(spoken))


def _catalogue(code: str) -> gettext.GNUTranslations:
    source = files("reports") / "locales" / code / "LC_MESSAGES" / "reports.po"
    compiled = BytesIO()
    with source.open("rb") as file:
        write_mo(compiled, read_po(file, locale=code))
    compiled.seek(0)
    return gettext.GNUTranslations(compiled)
