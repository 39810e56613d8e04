"""RoutingMap → what it was made from, as labelled rows, and its short form as YAML."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import yaml

from llmroute.report.verdicts import rule_sentence

if TYPE_CHECKING:
    from llmroute.records import Comparison, Provenance, RoutingMap
from llmroute.report.amounts import share_text, usd_text


@dataclass(frozen=True, slots=True)
class Group:
    """A titled list of facts."""

    title: str
    rows: tuple[tuple[str, str], ...]


def view_provenance(comparison: Comparison, routing_map: RoutingMap) -> tuple[Group, ...]:
    """Run, suites, candidates with prices, versions and sources; empty groups are left out."""
    provenance = routing_map.provenance
    run = (
        ("run", provenance.run_id or "not recorded"),
        ("started", provenance.started or "not recorded"),
        ("rule", rule_sentence(comparison.rule)),
        ("reference", comparison.reference),
        ("strategy", _strategy(provenance)),
        ("repeats", str(provenance.repeats)),
        ("seed", str(provenance.seed)),
    )
    groups = (
        Group("Run", run),
        Group("Suites (content hash)", tuple(sorted(provenance.suites.items()))),
        Group("Candidates", tuple(
            (name, _candidate(facts)) for name, facts in sorted(provenance.candidates.items())
        )),
        Group("Versions", tuple(sorted(provenance.versions.items()))),
        Group("Outcomes files", tuple((source, "") for source in provenance.sources)),
    )  # fmt: skip
    return tuple(group for group in groups if group.rows)


def _strategy(provenance: Provenance) -> str:
    race = provenance.race
    if race is None:
        return provenance.strategy
    spent, grid = (usd_text(race[key]) for key in ("spent_usd", "grid_usd"))
    asked = f"{race['calls']:,.0f} of the grid's {race['grid_calls']:,.0f} calls"
    risk = f"another route than the grid's at a risk of at most {share_text(race['risk'])} a task"
    return f"race: {asked}, {spent} of about {grid}; {risk}"


def short_yaml(routing_map: RoutingMap) -> str:
    """The map's routes and fallbacks, without the evidence."""
    tasks = {
        route.task: {"route": route.route, "fallbacks": list(route.fallbacks)}
        for route in routing_map.tasks
    }
    return yaml.safe_dump(
        {"reference": routing_map.reference, "tasks": tasks},
        sort_keys=False,
        allow_unicode=True,
        width=1000,
    )


def _candidate(facts: Mapping[str, Any]) -> str:
    said = [str(facts["model"])] if facts.get("model") else []
    for key, value in sorted(facts.items()):
        if key not in ("model", "price") and value not in (None, {}, [], ()):
            text = value if isinstance(value, str) else json.dumps(value, default=str)
            said.append(f"{key} {text}")
    return " · ".join(said)
