"""MapChange × Gate → GateResult."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from llmroute.errors import ConfigError, did_you_mean
from llmroute.gate.rules import RULES, Fact, Rule, Terms
from llmroute.records import Finding, Gate, GateLevel, GateResult, MapChange, RuleSetting

LEVELS: tuple[GateLevel, ...] = ("error", "warn", "off")


def check_change(change: MapChange, gate: Gate, now: datetime) -> GateResult:
    """What the gate objects to in a change.

    Args:
        change: this map beside the previous one; without one, only what this map alone shows.
        gate: levels and tolerances, where they are not the rules' own.
        now: the wall clock, which evidence ages by.
    """
    order = {task.task: place for place, task in enumerate(change.tasks)}
    findings = [
        finding for name, rule in RULES.items() for finding in _apply(name, rule, change, gate, now)
    ]
    ranked = sorted(
        findings,
        key=lambda found: (LEVELS.index(found.level), order.get(found.task or "", -1)),
    )
    return GateResult(change, tuple(ranked))


def _apply(
    name: str, rule: Rule, change: MapChange, gate: Gate, now: datetime
) -> Iterator[Finding]:
    setting = gate.rules.get(name, RuleSetting())
    level = setting.level or rule.level
    if level == "off":
        return
    tolerance = rule.tolerance if setting.tolerance is None else setting.tolerance
    for fact in rule.facts(change, Terms(tolerance or 0.0, gate, now)):
        yield _finding(name, level, fact)


def _finding(name: str, level: GateLevel, fact: Fact) -> Finding:
    return Finding(name, level, fact.task, fact.what, fact.before, fact.after, fact.why)


def read_setting(text: str) -> tuple[str, RuleSetting]:
    """A rule's setting as it is written on the command line: NAME=LEVEL or NAME=LEVEL:TOLERANCE.

    Raises:
        ConfigError: no rule carries the name, or level or tolerance can't be used.

    >>> read_setting("cost_rose=warn:0.2")
    ('cost_rose', RuleSetting(level='warn', tolerance=0.2))
    """
    name, _, said = text.partition("=")
    level, _, tolerance = said.partition(":")
    if name not in RULES:
        raise _refused(f"unknown rule {name!r}", did_you_mean(name, RULES, kind="rule"))
    if level not in LEVELS:
        raise _refused(f"{level!r} is no level of {name}", f"Write {name}=error, warn or off.")
    if not tolerance:
        return name, RuleSetting(level)
    if RULES[name].tolerance is None:
        raise _refused(f"{name} has no tolerance", f"Write {name}={level}.")
    try:
        value = float(tolerance)
    except ValueError:
        value = -1.0
    if not 0 <= value < float("inf"):
        fix = f"Write a share such as {name}={level}:0.1."
        raise _refused(f"{tolerance!r} is no tolerance", fix)
    return name, RuleSetting(level, value)


def _refused(what: str, fix: str) -> ConfigError:
    return ConfigError(what, where="--rule", fix=fix)
