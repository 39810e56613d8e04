"""Whether an answer is the JSON that was asked for."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from llmroute.checks.asked import prompt_text
from llmroute.metrics.json_text import find_json, read_json

if TYPE_CHECKING:
    from llmroute.records import Sample

_ASKS = re.compile(r"\bjson\b", re.IGNORECASE)
_FIELD = re.compile(r'^\s{0,12}"(\w{1,60})"\s{0,3}:', re.MULTILINE)


@dataclass(frozen=True, slots=True)
class JsonValid:
    """Whether JSON was asked for (the word in the prompt, or a schema), is there, and fits.

    In [0, 1]. `bare`: nothing stands around it; `schema`: it keeps to the schema (the parameter,
    else the sample's field "schema"), 1 where there is none; `fields`: share of the fields named in
    the prompt that it has; `failed`: asked for, and not there or not as the schema says.
    """

    features: ClassVar[tuple[str, ...]] = (
        "asked", "valid", "bare", "fenced", "schema", "fields", "failed",
    )  # fmt: skip
    fails: ClassVar[tuple[str, ...]] = ("failed",)

    schema: Mapping[str, Any] | bool | None = None

    def __post_init__(self) -> None:
        if self.schema is not None:
            from llmroute.metrics.json_schema import JsonSchema

            JsonSchema(self.schema)

    def check(self, sample: Sample, output: str) -> Mapping[str, float]:
        """The features by name."""
        prompt = prompt_text(sample)
        schema = self.schema if self.schema is not None else sample.fields.get("schema")
        asked = schema is not None or _ASKS.search(prompt) is not None
        found = find_json(output)
        fits = _fits(sample, schema, found)
        values = (
            float(asked),
            float(found is not None),
            float(found is not None and len(found) == len(output.strip())),
            float("```" in output),
            fits,
            _field_share(prompt, found),
            float(asked and (found is None or fits < 1)),
        )
        return dict(zip(self.features, values, strict=True))


def _fits(sample: Sample, schema: Any, found: str | None) -> float:
    from llmroute.metrics import Unscorable
    from llmroute.metrics.json_schema import JsonSchema

    if schema is None:
        return 1.0
    if found is None or not isinstance(schema, (Mapping, bool)):
        return 0.0
    try:
        return JsonSchema(schema).score(sample, found)
    except (Unscorable, ValueError):
        return 0.0


def _field_share(prompt: str, found: str | None) -> float:
    wanted = set(_FIELD.findall(prompt))
    if not wanted:
        return 1.0
    value = None if found is None else read_json(found)
    return len(wanted & set(value)) / len(wanted) if isinstance(value, dict) else 0.0
