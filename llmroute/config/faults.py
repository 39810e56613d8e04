"""What pydantic refuses → messages with file, line, column, caret and fix."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar, get_args

from pydantic import BaseModel, ValidationError

from llmroute.errors import InputError, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from llmroute.config.yaml_source import Document, KeyPath

MAX_SHOWN = 10

Model = TypeVar("Model", bound=BaseModel)


class RefusedError(ValueError):
    """A value one of our own validators turns down; carries the fix into the message."""

    def __init__(self, what: str, fix: str | None = None, *, at: KeyPath = ()) -> None:
        super().__init__(what)
        self.what, self.fix, self.at = what, fix, at


def validate(model: type[Model], document: Document, data: Any = None) -> Model:
    """The document's values as the model.

    Args:
        model: what the file may say.
        document: the file, which places the messages and gives their type.
        data: its values where they were changed after reading; default: as written.

    Raises:
        InputError: of the document's type, with the first ten faults.
    """
    try:
        return model.model_validate(document.root.data() if data is None else data)
    except ValidationError as cause:
        found = complaints(model, cause)
        raise together([document.fault(*complaint) for complaint in found]) from cause


def together(faults: Sequence[InputError]) -> InputError:
    """One error out of one or more, in the order they were found; the first ten are shown."""
    if len(faults) == 1:
        return faults[0]
    first = faults[0]
    shown = "\n\n".join(str(fault) for fault in faults[:MAX_SHOWN])
    rest = len(faults) - MAX_SHOWN
    if rest > 0:
        shown += f"\n\n… and {rest} more."
    file = (first.where or "").split(":")[0] or None
    return type(first)(f"{len(faults)} things are wrong", where=file, fix=shown)


class Complaint(NamedTuple):
    """One thing pydantic refuses, in our words."""

    path: KeyPath
    what: str
    fix: str | None
    of_key: bool = False
    """Whether the key is at fault rather than its value."""


def complaints(model: type[BaseModel], cause: ValidationError) -> Iterator[Complaint]:
    """What pydantic refuses, in our words and in the order of the model's fields."""
    for error in cause.errors(include_url=False):
        yield _complaint(model, error)


def _complaint(model: type[BaseModel], error: Any) -> Complaint:
    path: KeyPath = tuple(error["loc"])
    if path and path[-1] == "[key]":
        path = path[:-1]
    kind, ctx = error["type"], error.get("ctx", {})
    if kind == "extra_forbidden":
        key = str(path[-1])
        advice = did_you_mean(key, known_keys(model, path[:-1]), kind="setting")
        return Complaint(path, f"unknown key {key[:60]!r}", advice, of_key=True)
    if kind == "missing":
        what = f"the key {path[-1]!r} is missing"
        return Complaint(path[:-1], what, f"Add '{path[-1]}:'.")
    if isinstance(cause := ctx.get("error"), RefusedError):
        return Complaint((*path, *cause.at), cause.what, cause.fix)
    what, fix = _saying(kind, ctx, error["input"])
    name = next((part for part in reversed(path) if isinstance(part, str)), None)
    return Complaint(path, f"{name!r} {what}" if name else f"this {what}", fix)


def known_keys(model: type[BaseModel], path: Iterable[str | int]) -> list[str]:
    """The keys that may stand in the mapping at a path."""
    here: type[BaseModel] | None = model
    for part in path:
        if here is None:
            return []
        if isinstance(part, str) and part in here.model_fields:
            here = _model_within(here.model_fields[part].annotation)
    return [] if here is None else list(here.model_fields)


def _model_within(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((found for part in get_args(annotation) if (found := _model_within(part))), None)


def _noun(value: Any) -> str:
    match value:
        case None:
            return "empty"
        case bool():
            return "true or false"
        case int() | float():
            return "a number"
        case str():
            return "text"
        case list() | tuple():
            return "a list"
    return "a mapping"


_DIGITS = "Write the digits alone, without quotes or units."
_SAYINGS: dict[str, tuple[str, str]] = {
    "bool_type": (
        "should be true or false, not {noun}",
        "YAML 1.2 knows true and false only, not yes or no.",
    ),
    "dict_type": ("should be a mapping, not {noun}", "Write 'key: value' lines under it."),
    "finite_number": ("should be a finite number", _DIGITS),
    "float_type": ("should be a number, not {noun}", _DIGITS),
    "greater_than": ("should be more than {gt:g}", "Write a larger number."),
    "greater_than_equal": ("should be at least {ge:g}", "Write a larger number."),
    "int_from_float": ("should be a whole number", _DIGITS),
    "int_type": ("should be a whole number, not {noun}", _DIGITS),
    "less_than": ("should be less than {lt:g}", "Write a smaller number."),
    "less_than_equal": ("should be at most {le:g}", "Write a smaller number."),
    "list_type": ("should be a list, not {noun}", "Write '- value' lines, or values in [ ]."),
    "literal_error": ("should be {expected}", "Write one of them."),
    "model_type": ("should be a mapping, not {noun}", "Write 'key: value' lines under it."),
    "string_too_long": ("has more than {max_length} characters", "Shorten it."),
    "string_too_short": ("should not be empty", "Write a value, or leave the key out."),
    "string_type": ("should be text, not {noun}", 'Write text, in quotes where in doubt: "…".'),
    "too_long": ("has more than {max_length} values", "Shorten the list."),
    "too_short": ("should not be empty", "Add at least one value."),
}


def _saying(kind: str, ctx: Mapping[str, Any], value: Any) -> tuple[str, str]:
    what, fix = _SAYINGS.get(kind, ("cannot be used: " + kind.replace("_", " "), "Correct it."))
    return what.format(noun=_noun(value), **ctx), fix
