"""Kinds of value that configuration and suite files share."""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    AllowInfNan,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainValidator,
)

from llmroute.config.environment import number_from_environment
from llmroute.config.faults import RefusedError
from llmroute.errors import did_you_mean
from llmroute.records import QualityThreshold, Volume

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


class Written(BaseModel):
    """A mapping in a file of ours: unknown keys are refused, and nothing is converted silently."""

    model_config = ConfigDict(
        extra="forbid", strict=True, frozen=True, hide_input_in_errors=True, allow_inf_nan=False
    )


class RelativeThreshold(Written):
    """A share of another candidate's quality, decided on paired differences."""

    of_reference: float | None = Field(
        None, gt=0, le=2, description="Share of the reference's quality, e.g. 0.95."
    )
    of_best: float | None = Field(
        None, gt=0, le=1, description="Share of the best candidate's quality, e.g. 0.95."
    )


def read_threshold(value: Any) -> QualityThreshold:
    """The bar that a file states: a number, `{of_reference: x}` or `{of_best: x}`.

    Raises:
        RefusedError: it states neither, or a share out of range.

    >>> read_threshold({"of_best": 0.95})
    QualityThreshold(value=0.95, relative_to='best')
    """
    value = number_from_environment(value)
    if not isinstance(value, dict):
        return QualityThreshold(_share("the quality threshold", value, most=1.0))
    if len(value) != 1:
        fix = "Write {of_reference: 0.95} or {of_best: 0.95}."
        raise RefusedError("a relative threshold has exactly one key", fix)
    key, share = next(iter(value.items()))
    share = number_from_environment(share)
    if key == "of_reference":
        return QualityThreshold(
            _share(repr(key), share, most=2.0, least_excluded=True), "reference"
        )
    if key == "of_best":
        return QualityThreshold(_share(repr(key), share, most=1.0, least_excluded=True), "best")
    fix = did_you_mean(str(key), ["of_best", "of_reference"], kind="setting")
    raise RefusedError(f"unknown key {key!r}", fix, at=(key,))


_DAYS = {"h": 1 / 24, "d": 1.0, "w": 7.0}


def read_age(value: Any) -> float:
    """An age as it is written, in days.

    Raises:
        RefusedError: it is no number with a unit.

    >>> read_age("12h"), read_age("30d"), read_age("4w")
    (0.5, 30.0, 28.0)
    """
    found = re.fullmatch(r"(\d{1,6}(?:\.\d{1,6})?)\s*([hdw])", str(value).strip())
    if isinstance(value, bool) or found is None:
        raise RefusedError(
            f"{str(value)[:40]!r} is no age", "Write hours, days or weeks: 12h, 30d, 4w."
        )
    return float(found[1]) * _DAYS[found[2]]


_VOLUME = re.compile(r"([0-9][0-9,_]*(?:\.[0-9]+)?(?:[eE][+]?[0-9]+)?)(?:/(month|day))?")


def read_volume(value: Any) -> Volume:
    """The traffic that is stated: requests a month, or `N/day`.

    Raises:
        RefusedError: it is no number of requests.

    >>> read_volume("1.2e6/month"), read_volume(40_000)
    (Volume(requests=1200000.0, period='month'), Volume(requests=40000.0, period='month'))
    """
    found = _VOLUME.fullmatch(str(value))
    requests = float(found[1].replace(",", "").replace("_", "")) if found else 0.0
    if isinstance(value, bool) or found is None or not 0 < requests < 1e15:
        raise RefusedError(f"{str(value)[:40]!r} is no volume", "Write 1200000/month or 40000/day.")
    return Volume(requests, "day" if found[2] == "day" else "month")


def _share(name: str, value: Any, *, most: float, least_excluded: bool = False) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        fix = "Write a number such as 0.85, {of_reference: 0.95} or {of_best: 0.95}."
        raise RefusedError(f"{name} should be a number", fix)
    if not 0 <= value <= most or (least_excluded and value == 0):
        fix = f"Shares run from 0 to {most:g}: write 0.85 for 85 %."
        raise RefusedError(f"{name} is outside 0 to {most:g}", fix)
    return float(value)


def _checked_name(value: str) -> str:
    if value != value.strip() or _CONTROL.search(value):
        fix = "Remove spaces at its ends, line breaks and control characters."
        raise RefusedError(
            "a name may not start or end with space, or hold control characters", fix
        )
    return value


def as_list(value: Any) -> Any:
    """A single value as a list of one; a list as it is."""
    return value if isinstance(value, list) or value is None else [value]


_FROM_ENV = BeforeValidator(number_from_environment)

Number = Annotated[float, AllowInfNan(False), _FROM_ENV]
Positive = Annotated[float, AllowInfNan(False), Field(gt=0), _FROM_ENV]
NotNegative = Annotated[float, AllowInfNan(False), Field(ge=0), _FROM_ENV]
Count = Annotated[int, Field(ge=1, le=2**31), _FROM_ENV]
Seed = Annotated[int, Field(ge=0, lt=2**63), _FROM_ENV]
Age = Annotated[float, PlainValidator(read_age, json_schema_input_type=str)]
Traffic = Annotated[Volume, PlainValidator(read_volume, json_schema_input_type=float | str)]
Text = Annotated[str, Field(min_length=1)]
Name = Annotated[str, Field(min_length=1, max_length=200), AfterValidator(_checked_name)]
Threshold = Annotated[
    QualityThreshold,
    PlainValidator(read_threshold, json_schema_input_type=float | RelativeThreshold),
]
