"""GateResult → its sentence, its rows and its plain values, for every form."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from llmroute.report.amounts import UNKNOWN, counted
from llmroute.report.map_diff import diff_facts, task_to_dict

if TYPE_CHECKING:
    from llmroute.records import Finding, GateResult

VERSION = 1
COLUMNS = ("Level", "Task", "Rule", "What", "Before", "After", "Why")
STYLES = {"error": "bold red", "warn": "yellow"}


def gate_sentence(result: GateResult) -> str:
    """The gate's answer in one sentence."""
    n_tasks = counted(len(result.change.tasks), "task")
    counts = " and ".join(
        counted(number, noun)
        for level, noun in (("error", "error"), ("warn", "warning"))
        if (number := len(result.of_level(level)))  # type: ignore[arg-type]
    )
    if not result.passed:
        return f"The gate says no: {counts} in {n_tasks}."
    if result.change.before is None:
        first = "There is no previous map to compare with, so the gate says yes"
        return f"{first}, with {counts}." if counts else f"{first}."
    return f"The gate says yes, with {counts} in {n_tasks}." if counts else _nothing(n_tasks)


def finding_cells(finding: Finding) -> tuple[str, ...]:
    """A finding's cells under `COLUMNS`."""
    return (
        finding.level,
        finding.task or UNKNOWN,
        finding.rule,
        finding.what,
        finding.before,
        finding.after,
        finding.why,
    )


def gate_to_dict(result: GateResult) -> dict[str, Any]:
    """The result as plain values, the form of `--json`."""
    return {
        "version": VERSION,
        "verdict": _verdict(result),
        "changed": result.routes_changed,
        "errors": len(result.of_level("error")),
        "warnings": len(result.of_level("warn")),
        "compared": result.change.before is not None,
        "findings": [asdict(finding) for finding in result.findings],
        "tasks": [task_to_dict(task) for task in result.change.tasks],
        "facts": list(diff_facts(result.change)),
        "notes": list(result.change.notes),
    }


def gate_variables(result: GateResult) -> str:
    """The result as `NAME=value` lines, the form CI systems pass from step to step.

    Values are words and counts of ours: no name or text out of a map is among them, so none can
    add a line.
    """
    values = {
        "verdict": _verdict(result),
        "changed": str(result.routes_changed).lower(),
        "errors": str(len(result.of_level("error"))),
        "warnings": str(len(result.of_level("warn"))),
    }
    return variables(values.items())


def variables(values: Iterable[tuple[str, str]]) -> str:
    """`NAME=value` lines.

    >>> variables([("verdict", "pass"), ("errors", "0")])
    'verdict=pass\\nerrors=0\\n'
    """
    return "".join(f"{name}={value}\n" for name, value in values)


def _verdict(result: GateResult) -> str:
    return "pass" if result.passed else "fail"


def _nothing(n_tasks: str) -> str:
    return f"The gate says yes: nothing to object to in {n_tasks}."
