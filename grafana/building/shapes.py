"""What a dashboard is made of, as plain data: pages, panels, questions, choices."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from grafana.building.colours import GREEN

Json = dict[str, object]


@dataclass(frozen=True, kw_only=True)
class Ask:
    """A query. *legend* names its series; a *table* is asked for one moment, as rows."""

    expr: str
    legend: str = ""
    table: bool = False


@dataclass(frozen=True, kw_only=True)
class Panel:
    """One panel. *steps* are thresholds: from which value on which colour, the first from below.

    *names* are what columns of a table are called and in which order; *units* are theirs.
    *nothing* is shown where there is no answer.
    """

    title: str
    about: str
    kind: str
    asks: Sequence[Ask]
    width: int
    height: int = 8
    unit: str = "short"
    steps: Sequence[tuple[float | None, str]] = ((None, GREEN),)
    words: Mapping[int, tuple[str, str]] = field(default_factory=dict)
    decimals: int | None = None
    low: float | None = None
    high: float | None = None
    stacked: bool = False
    bars: bool = False
    nothing: str = ""
    every: str = ""
    names: Mapping[str, str] = field(default_factory=dict)
    units: Mapping[str, str] = field(default_factory=dict)
    hidden: Sequence[str] = ()
    links: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Row:
    """A headline over the panels that follow."""

    title: str


@dataclass(frozen=True, kw_only=True)
class Variable:
    """A choice at the top of the page, of what *query* finds. *many* may be chosen at once.

    *offered* are fixed choices instead: what is shown, and what stands for it in queries. With
    neither it is a text that begins as *text*; a *hidden* one is set in the page's address.
    """

    name: str
    title: str
    query: str = ""
    many: bool = False
    offered: Mapping[str, str] = field(default_factory=dict)
    text: str = ""
    hidden: bool = False


class Dialect(Protocol):
    """How a data source is asked."""

    @property
    def kind(self) -> str:
        """Return the type of the data source, as Grafana calls it."""
        ...

    def question(self, ask: Ask) -> Json:
        """Return what a panel's question has besides its place and its source."""
        ...

    def choice(self, variable: Variable) -> Json:
        """Return how a variable asks what there is to choose from."""
        ...

    def names(self, asks: Sequence[Ask]) -> Iterator[Json]:
        """Yield the overrides that name series, where a question cannot say it itself."""
        ...

    def outages(self) -> Json:
        """Return how an annotation asks for the outages of the service that was chosen."""
        ...


@dataclass(frozen=True, kw_only=True)
class Dashboard:
    """One page. *outages* draws a service's outages over its graphs."""

    uid: str
    title: str
    about: str
    span: str
    dialect: Dialect
    variables: Sequence[Variable]
    panels: Sequence[Panel | Row]
    outages: bool = False
