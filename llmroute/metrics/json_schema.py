"""Whether the predicted JSON keeps to a schema."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any, ClassVar

from llmroute.digest import canonical_json
from llmroute.metrics import Unscorable
from llmroute.metrics.json_text import read_json

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from llmroute.records import Sample

_PATTERN_TIMEOUT_S = 1.0


@dataclass(frozen=True, slots=True)
class JsonSchema:
    """1.0 where the prediction is JSON that the schema accepts, else 0.0.

    The schema is the parameter, or the sample field that `field` names. Its `$schema` says the
    draft, else 2020-12. A `$ref` that points outside the schema is never fetched: the sample is
    not scored. Source: JSON Schema, as implemented by the package jsonschema.
    """

    needs_target: ClassVar[bool] = False
    right_or_wrong: ClassVar[bool] = True

    schema: Mapping[str, Any] | bool | None = None
    field: str = "schema"

    def __post_init__(self) -> None:
        if self.schema is not None:
            _validator(canonical_json(self.schema))

    def lacks(self, sample: Sample) -> str | None:
        """What the sample must have for this metric, or None."""
        if self.schema is not None:
            return None
        if sample.fields.get(self.field) is None:
            return f"no field {self.field!r}"
        try:
            _validator(canonical_json(sample.fields[self.field]))
        except ValueError as error:
            return f"no valid schema in field {self.field!r} ({error})"
        return None

    def score(self, sample: Sample, prediction: str) -> float:
        """1.0 or 0.0.

        Raises:
            Unscorable: there is no schema, it is not valid, or it refers to another file.
        """
        schema = self.schema if self.schema is not None else sample.fields.get(self.field)
        if schema is None:
            raise Unscorable(f"the sample has no field {self.field!r}")
        try:
            validator = _validator(canonical_json(schema))
        except ValueError as error:
            raise Unscorable(str(error)) from error
        try:
            value = read_json(prediction)
        except ValueError:
            return 0.0
        return float(_accepts(validator, value))


def _accepts(validator: Any, value: Any) -> bool:
    from referencing.exceptions import Unresolvable

    try:
        return bool(validator.is_valid(value))
    except Unresolvable as error:
        raise Unscorable(f"the schema refers to what is not in it: {error}") from error
    except TimeoutError as error:
        raise Unscorable("a pattern of the schema took longer than a second") from error
    except RecursionError as error:
        raise Unscorable("the schema refers to itself without end") from error
    except (OverflowError, ArithmeticError):
        return False  # multipleOf of an infinite number


@lru_cache(maxsize=512)
def _validator(schema_json: str) -> Any:
    from jsonschema.exceptions import SchemaError
    from jsonschema.validators import Draft202012Validator, validator_for
    from referencing import Registry

    schema = json.loads(schema_json)
    draft = validator_for(schema, default=Draft202012Validator)
    try:
        draft.check_schema(schema)
    except (SchemaError, RecursionError) as error:
        reason = getattr(error, "message", "nested too deep")
        raise ValueError(f"the schema is not valid: {reason}") from error
    return _bounded(draft)(schema, registry=Registry())


@cache
def _bounded(draft: Any) -> Any:
    """The draft with `pattern` and `uniqueItems` that hostile values cannot make slow."""
    from jsonschema.validators import extend

    return extend(  # type: ignore[no-untyped-call]
        draft, {"pattern": _check_pattern, "uniqueItems": _check_unique}
    )


def _check_pattern(_validator: Any, pattern: str, value: Any, _schema: Any) -> Iterator[Any]:
    import regex
    from jsonschema.exceptions import ValidationError

    if isinstance(value, str):
        try:
            found = regex.search(pattern, value, timeout=_PATTERN_TIMEOUT_S)
        except regex.error as error:
            raise Unscorable(f"pattern {pattern!r} of the schema: {error}") from error
        if found is None:
            yield ValidationError(f"does not match {pattern!r}")


def _check_unique(_validator: Any, unique: bool, value: Any, _schema: Any) -> Iterator[Any]:
    from jsonschema.exceptions import ValidationError

    if unique and isinstance(value, list):
        texts = {canonical_json(_one_kind_of_number(item)) for item in value}
        if len(texts) < len(value):
            yield ValidationError("has items that are equal")


def _one_kind_of_number(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _one_kind_of_number(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_one_kind_of_number(item) for item in value]
    whole = isinstance(value, float) and value.is_integer()
    return int(value) if whole else value
