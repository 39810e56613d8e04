"""What the gate objects to: a table of rules, each MapChange → facts."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from importlib import import_module
from typing import NamedTuple, cast

from llmroute.records import Gate, GateLevel, MapChange


class Fact(NamedTuple):
    """One thing a rule has found; what it is called and how bad it is, the rule says."""

    task: str | None
    what: str
    before: str
    after: str
    why: str


@dataclass(frozen=True, slots=True)
class Terms:
    """What a rule may know beside the maps."""

    tolerance: float
    """In the rule's unit."""
    gate: Gate
    now: datetime


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule, with what it does where nobody says otherwise."""

    says: str
    """What it objects to, as a clause."""
    level: GateLevel
    target: str
    """The function, as "module:name"."""
    tolerance: float | None = None
    """None: there is nothing to tolerate."""
    unit: str = ""
    """Of the tolerance."""

    def facts(self, change: MapChange, terms: Terms) -> Iterator[Fact]:
        """What it finds in a change."""
        module, _, name = self.target.partition(":")
        find = getattr(import_module(f"llmroute.gate.{module}"), name)
        return cast("Callable[[MapChange, Terms], Iterator[Fact]]", find)(change, terms)


RULES: Mapping[str, Rule] = {
    "route_changed": Rule(
        "a task goes to another candidate, for another reason than a cheaper one that now clears",
        "error",
        "routes:route_changed",
    ),
    "bar_missed": Rule(
        "a task had a route that cleared its bar, and now none does", "error", "routes:bar_missed"
    ),
    "quality_fell": Rule(
        "the answers to a task became worse, beyond noise", "error", "figures:quality_fell",
        0.0, "of quality, in [0, 1]",
    ),
    "cost_rose": Rule(
        "a task's requests cost more", "error", "figures:cost_rose", 0.10, "of the previous cost"
    ),
    "coverage_lost": Rule(
        "fewer calls carry a score, or fewer samples were asked", "error", "figures:coverage_lost",
        0.02, "of the planned calls",
    ),
    "evidence_age": Rule(
        "the oldest answer is older than `max_age`", "error", "figures:evidence_age"
    ),
    "task_removed": Rule("a task is no longer mapped", "error", "routes:task_removed"),
    "threshold_lowered": Rule(
        "a bar or the evidence a route must show was lowered", "error", "routes:threshold_lowered"
    ),
    "cheaper_passes": Rule(
        "a task goes to a cheaper candidate that now clears", "warn", "routes:cheaper_passes"
    ),
    "price_moved": Rule(
        "a candidate's price moved", "warn", "figures:price_moved", 0.05, "of the previous price"
    ),
    "verdict_weaker": Rule(
        "a route is less surely above its bar", "warn", "routes:verdict_weaker"
    ),
    "suite_changed": Rule(
        "a task's suite is another than before", "warn", "figures:suite_changed"
    ),
    "candidate_changed": Rule(
        "a candidate's model, parameters or endpoint changed under its name", "warn",
        "figures:candidate_changed",
    ),
    "reference_changed": Rule(
        "savings are against another candidate", "warn", "routes:reference_changed"
    ),
    "router_changed": Rule(
        "a section that decides prompt by prompt is gone, or is between other candidates", "warn",
        "routes:router_changed",
    ),
    "judge_uncalibrated": Rule(
        "a judge scored a task, and no labels of people say how far it can be trusted", "warn",
        "figures:judge_uncalibrated",
    ),
}  # fmt: skip
"""Name → rule; findings of one task stand in this order."""
