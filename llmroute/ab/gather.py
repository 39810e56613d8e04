"""LoggedRequests → Observations: which arm and key each is of, and what is known of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from llmroute.ab.observations import Collector, Metric, Observations
from llmroute.errors import InputError, LogFormatError
from llmroute.logs.pricing import Prices
from llmroute.logs.values import find_field
from llmroute.records import LoggedRequest

MOST_ARMS = 100
"""Names of further arms that are told apart."""
OTHERS = "(others)"


@dataclass(frozen=True, slots=True)
class Fields:
    """Where a request says what it belongs to."""

    arm: str
    key: str | None = None
    """None: every request is a key of its own."""
    control: str = "control"
    treatment: str = "treatment"
    start_s: float | None = None
    """Unix time at which the experiment began; what keys did before is compared with."""


@dataclass(frozen=True, slots=True)
class Gathered:
    """The observations, and what was left out of them."""

    observations: Observations
    n_requests: int
    n_before: int
    n_no_chat: int
    other_arms: Counter[str] = field(default_factory=Counter)
    """Arm → requests in neither arm; "" where none is named."""


def gather(requests: Iterable[LoggedRequest], fields: Fields, prices: Prices) -> Gathered:
    """All requests by arm and key.

    Raises:
        LogFormatError: a request has no key, or no time where that decides.
        InputError: an arm has no request at all.
    """
    collector = Collector(fields.control, fields.treatment)
    counts: Counter[str] = Counter()
    others: Counter[str] = Counter()
    for request in requests:
        counts["all"] += 1
        if request.fate == "no_chat":
            counts["no_chat"] += 1
            continue
        arm = None if _is_before(request, fields) else _arm(request, fields.arm)
        if arm is None:
            counts["before"] += 1
        elif arm not in (fields.control, fields.treatment):
            others[arm if arm in others or len(others) < MOST_ARMS else OTHERS] += 1
            continue
        collector.add(arm, _key(request, fields), _values(request, prices))
    observations = collector.observations()
    _check_arms(observations, others, fields)
    return Gathered(observations, counts["all"], counts["before"], counts["no_chat"], others)


def _is_before(request: LoggedRequest, fields: Fields) -> bool:
    if fields.start_s is None:
        return False
    if request.time_s is None:
        raise LogFormatError(
            "the request has no time, and --start asks whether it came before",
            where=request.where,
            fix="Log a time with every request, or leave --start out.",
        )
    return request.time_s < fields.start_s


def _arm(request: LoggedRequest, name: str) -> str:
    """What the field says, or a tag `name:arm`; "" where neither does."""
    label = _label(find_field(request.raw, name))
    tag = next((tag for tag in request.tags if tag.startswith(f"{name}:")), None)
    return label or (tag.partition(":")[2] if tag else "")


def _key(request: LoggedRequest, fields: Fields) -> str | None:
    if fields.key is None:
        return None
    key = _label(find_field(request.raw, fields.key))
    if not key:
        raise LogFormatError(
            f"the request has no {fields.key!r}",
            where=request.where,
            fix="Log the key with every request of the experiment, or name another --key-field.",
        )
    return key


def _label(value: Any) -> str:
    """A text, a number or a truth value as text; nothing else names an arm or a key."""
    return str(value) if isinstance(value, str | int | float) else ""


def _values(request: LoggedRequest, prices: Prices) -> dict[Metric, float | None]:
    return {
        "quality": request.score,
        "failure": float(request.fate == "failed"),
        "cost_usd": prices.paid_usd(request),
        "latency_s": request.latency_s,
    }


def _check_arms(observations: Observations, others: Counter[str], fields: Fields) -> None:
    for arm in (observations.control, observations.treatment):
        if arm.n_keys or observations.mixed_keys:
            continue
        named = Counter({name: count for name, count in others.items() if name})
        named.update({a.name: a.keys.size for a in (observations.control, observations.treatment)})
        found = ", ".join(f"{name!r} ({n:,})" for name, n in named.most_common(8) if n)
        raise InputError(
            f"no request is in arm {arm.name!r}; field {fields.arm!r} holds {found or 'nothing'}",
            fix="Name the field with --arm-field, and its arms with --control and --treatment.",
        )
