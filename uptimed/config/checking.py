"""From a table of TOML to a shape, with every mistake told by its key.

This is where pydantic's errors become mistakes. A shape that has mistakes is still handed on
without the keys that have them, so that rules between the others can be checked in the same pass.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, NoReturn, TypeVar, get_args

from pydantic import BaseModel, ConfigDict, Field, PlainValidator, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails, PydanticCustomError

from uptimed.config.mistakes import Mistake, Remark, Wrong, kind_of, show, suggest


class Shape(BaseModel):
    """A table of the configuration: its keys and how each is read."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, arbitrary_types_allowed=True, protected_namespaces=()
    )


ShapeT = TypeVar("ShapeT", bound=Shape)


def read(reader: Callable[[object], object]) -> PlainValidator:
    """Make *reader* a field's only validator: it takes what TOML gave and returns what is meant."""

    def validate(value: object) -> object:
        try:
            return reader(value)
        except Wrong as wrong:
            _raise(wrong)

    return PlainValidator(validate)


def _raise(wrong: Wrong) -> NoReturn:
    raise PydanticCustomError(
        "wrong", "found {found}, wanted {wanted}", {"found": wrong.found, "wanted": wrong.wanted}
    ) from None


def required(wish: str, **options: Any) -> Any:
    """Declare a key that must be there; *wish* is told when it is not."""
    return Field(default=None, json_schema_extra={"required": wish}, **options)


@dataclass(frozen=True, slots=True)
class Checked(Generic[ShapeT]):
    """A shape as far as it could be read; the keys in *bad* hold nothing that can be used."""

    shape: ShapeT
    bad: frozenset[str]

    def good(self, *keys: str) -> bool:
        """Return whether all of *keys* were read."""
        return self.bad.isdisjoint(keys)


class Findings:
    """What was found while reading: mistakes and remarks, in the order of their finding."""

    def __init__(self) -> None:
        self.mistakes: list[Mistake] = []
        self.remarks: list[Remark] = []
        self.notes: list[Remark] = []


def _printable(part: str | int) -> str:
    return part if isinstance(part, str) and part.isprintable() else show(part)


@dataclass(frozen=True, slots=True)
class Place:
    """A key of a file, and where to tell what is wrong there."""

    file: str
    key: str
    findings: Findings

    def at(self, *parts: str | int) -> "Place":
        """Return the place below this one."""
        whole = ".".join([*([self.key] if self.key else []), *map(_printable, parts)])
        return Place(self.file, whole, self.findings)

    def wrong(self, found: str, wanted: str) -> None:
        """Tell a mistake."""
        self.findings.mistakes.append(Mistake(self.file, self.key, found, wanted))

    def remark(self, text: str) -> None:
        """Tell what is probably not meant."""
        self.findings.remarks.append(Remark(self.file, self.key, text))

    def note(self, text: str) -> None:
        """Tell what is well, and good to know."""
        self.findings.notes.append(Remark(self.file, self.key, text))


def check(
    shape: type[ShapeT], raw: object, place: Place, *, elsewhere: Mapping[str, str] | None = None
) -> Checked[ShapeT]:
    """Read the table *raw* as *shape*, telling every mistake at *place*.

    *elsewhere* says of keys that are unknown here where they belong.
    """
    if not isinstance(raw, Mapping):
        place.wrong(kind_of(raw), "a table")
        return Checked(shape.model_validate({}), frozenset(_keys(shape)))
    bad = _tell_missing(shape, raw, place)
    try:
        return Checked(shape.model_validate(raw), frozenset(bad))
    except ValidationError as error:
        for detail in error.errors(include_url=False):
            bad.add(str(detail["loc"][0]))
            _tell(shape, raw, detail, place, elsewhere or {})
    good = {key: value for key, value in raw.items() if key not in bad}
    return Checked(shape.model_validate(good), frozenset(bad))


def _tell_missing(shape: type[Shape], raw: Mapping[str, object], place: Place) -> set[str]:
    missing = set()
    for name, field in shape.model_fields.items():
        key = field.alias or name
        extra = field.json_schema_extra
        if isinstance(extra, dict) and "required" in extra and key not in raw:
            place.at(key).wrong("nothing", str(extra["required"]))
            missing.add(key)
    return missing


def _tell(
    shape: type[Shape],
    raw: Mapping[str, object],
    detail: ErrorDetails,
    place: Place,
    elsewhere: Mapping[str, str],
) -> None:
    loc = tuple(part for part in detail["loc"] if part != "[key]")
    where = place.at(*_path(raw, loc))
    context = detail.get("ctx", {})
    match detail["type"]:
        case "wrong":
            where.wrong(str(context["found"]), str(context["wanted"]))
        case "extra_forbidden":
            key = str(loc[-1])
            known = _keys(_shape_at(shape, loc[:-1]))
            belongs = elsewhere.get(key) if len(loc) == 1 else None
            where.wrong("an unknown key", belongs or suggest(key, known))
        case "missing":
            where.wrong("nothing", _wish_at(shape, loc))
        case "list_type" | "tuple_type":
            where.wrong(kind_of(detail["input"]), "a list")
        case "model_type" | "dict_type" | "model_attributes_type":
            where.wrong(kind_of(detail["input"]), "a table")
        case other:
            where.wrong(kind_of(detail["input"]), f"another value ({other})")


def _path(raw: object, loc: Sequence[str | int]) -> list[str | int]:
    """Return *loc* with the ids of list items in place of their indexes; without, from 1."""
    path: list[str | int] = []
    value: Any = raw
    for part in loc:
        value = _step(value, part)
        path.append(part if isinstance(part, str) else name_of(value, part))
    return path


def _step(value: object, part: str | int) -> object:
    if isinstance(value, Mapping):
        return value.get(part)
    if isinstance(value, list) and isinstance(part, int) and part < len(value):
        return value[part]
    return None


def name_of(item: object, index: int) -> str | int:
    """Return the id of a list's *item* where it has one, else its place counted from 1."""
    found = item.get("id") if isinstance(item, Mapping) else None
    return show(found)[1:-1] if isinstance(found, str) and found else index + 1


def _keys(shape: type[BaseModel] | None) -> list[str]:
    if shape is None:
        return []
    return [field.alias or name for name, field in shape.model_fields.items()]


def _shape_at(shape: type[BaseModel] | None, loc: Iterable[str | int]) -> type[BaseModel] | None:
    for part in loc:
        if shape is None:
            return None
        if isinstance(part, str):
            field = _field(shape, part)
            shape = _shape_in(field.annotation) if field is not None else None
    return shape


def _wish_at(shape: type[Shape], loc: Sequence[str | int]) -> str:
    holder = _shape_at(shape, loc[:-1])
    field = _field(holder, str(loc[-1])) if holder is not None else None
    return (field.description if field is not None else None) or "a value"


def _field(shape: type[BaseModel], key: str) -> FieldInfo | None:
    for name, field in shape.model_fields.items():
        if (field.alias or name) == key:
            return field
    return None


def _shape_in(annotation: object) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    for part in get_args(annotation):
        found = _shape_in(part)
        if found is not None:
            return found
    return None
