"""The month report as one page of HTML: the paper before it is printed.

It stands alone: style and pictures are in it, and nothing is fetched.
"""

from base64 import b64encode
from dataclasses import replace
from functools import cache, partial

from jinja2 import Environment, pass_context
from jinja2.runtime import Context
from markupsafe import Markup

from reports import vocabulary
from reports.as_json import chain_head, letters_sha256
from reports.figures import Words, verdict_heading
from reports.language import Language, language_of
from reports.support_view import SupportView
from reports.templating import environment
from reports.theme import readable
from reports.view import MOST_CHANGES, ServiceView
from uptimed.core.figures import Verdict
from uptimed.core.long_period import LongStatement, MonthFigures
from uptimed.core.minutes import utc
from uptimed.core.statement import Party, Statement
from uptimed.core.terms import Role


def report_html(statement: Statement, language: str) -> str:
    """Return the report as HTML in *language*; a language that we do not speak is English."""
    spoken = language_of(language)
    words = Words(spoken, statement.period.zone)
    return (
        _environment()
        .get_template("report.html.j2")
        .render(
            spoken=spoken,
            w=words,
            statement=statement,
            contract=statement.contract,
            period=statement.period,
            views=[ServiceView(statement, service, words) for service in statement.services],
            support=_support(statement, words),
            called=partial(_called, spoken),
            house=vocabulary.terms(statement.contract.house, spoken),
            words_of=vocabulary,
            accent=readable(statement.client.colour or statement.operator.colour),
            css_string=css_string,
            logo=_logo,
            chain_head=chain_head,
            letters_sha256=letters_sha256,
            utc=utc,
            most_changes=MOST_CHANGES,
            Role=Role,
        )
    )


def _support(statement: Statement, words: Words) -> SupportView | None:
    """Return the page of support clocks; None where the contract has none."""
    if statement.support is None:
        return None
    allowed = [service.figures.allowed for service in statement.services]
    return SupportView(
        statement.support,
        words,
        when=words.month(statement.period.month),
        names={service.id: service.name for service in statement.services},
        allowed=max(allowed) if allowed and statement.contract.promised else None,
    )


def long_html(statement: LongStatement, language: str) -> str:
    """Return a quarter or a year as HTML in *language*, as `report_html` does a month."""
    spoken = language_of(language)
    words = Words(spoken, statement.zone)
    when = _period_name(statement.name, spoken)
    names = {service.id: service.name for service in statement.services}
    view = None
    if statement.support is not None:
        view = SupportView(statement.support, words, when=when, names=names, allowed=None)
    return (
        _environment()
        .get_template("period.html.j2")
        .render(
            spoken=spoken,
            w=words,
            statement=statement,
            when=when,
            support=view,
            heading=partial(_month_heading, spoken, statement),
            tone=_month_tone,
            accent=readable(statement.client.colour or statement.operator.colour),
            css_string=css_string,
            logo=_logo,
            utc=utc,
        )
    )


def _period_name(name: str, language: Language) -> str:
    """Return what `2026-Q4` and `2026` are called."""
    year, _, quarter = name.partition("-Q")
    if not quarter:
        return year
    return language.say("quarter {quarter} of {year}", quarter=quarter, year=year)


def _month_heading(language: Language, statement: LongStatement, month: MonthFigures) -> str:
    contract = replace(statement.contract, promised=month.promised, target=month.target)
    return verdict_heading(language, month.figures, contract, complete=month.complete)


def _month_tone(month: MonthFigures) -> str:
    verdict = month.figures.verdict
    if verdict is Verdict.NOT_MEASURED:
        return "none"
    if not month.complete:
        return "sofar"
    if not verdict.proven:
        return "open"
    return "good" if verdict is Verdict.MET else "bad"


@cache
def _environment() -> Environment:
    made = environment()
    made.globals.update(say=_say, count=_count)
    return made


@pass_context
def _say(context: Context, message: str, /, **values: object) -> Markup:
    """Say *message*, which may hold markup, with *values* escaped."""
    spoken: Language = context["spoken"]
    return Markup(spoken.catalogue.gettext(message)).format(**values)  # noqa: S704 - our catalogue


@pass_context
def _count(context: Context, one: str, many: str, n: int, /, **values: object) -> Markup:
    """Say the form of *one* and *many* that goes with *n*, with *values* escaped."""
    spoken: Language = context["spoken"]
    return Markup(  # noqa: S704 - our catalogue
        spoken.catalogue.ngettext(one, many, abs(n))
    ).format(**values)


def _called(language: Language, words: dict[str, str], key: str) -> str:
    return vocabulary.called(words, key, language)


def css_string(text: str) -> Markup:
    """Return *text* as a CSS string, for content that only style can place.

    Everything but letters, digits and spaces is escaped, so it cannot leave the string, nor the
    element that the style stands in.
    """
    escaped = "".join(c if c.isalnum() or c == " " else f"\\{ord(c):x} " for c in text)
    return Markup(f'"{escaped}"')  # noqa: S704 - escaped for CSS just now


_LOGO_TYPES = frozenset({"image/svg+xml", "image/png"})


def _logo(party: Party) -> str:
    """Return the logo as a `data:` URL, or "" where there is none that we show."""
    if not party.logo or party.logo_type not in _LOGO_TYPES:
        return ""
    return f"data:{party.logo_type};base64,{b64encode(party.logo).decode()}"
