"""GateResult → JUnit XML: a testsuite a rule, a testcase a finding; an error is a failure."""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

from llmroute.report.sanitize import one_line, visible
from llmroute.report.xml import legal, to_xml

if TYPE_CHECKING:
    from llmroute.records import Finding, GateResult


def render_gate_junit(result: GateResult, rules: tuple[str, ...]) -> str:
    """One testsuite for each of the rules; one without a finding has a single passing testcase."""
    n_errors = len(result.of_level("error"))
    by_rule = {rule: [f for f in result.findings if f.rule == rule] for rule in rules}
    n_cases = sum(max(1, len(findings)) for findings in by_rule.values())
    root = ET.Element(
        "testsuites", name="llmroute check", tests=str(n_cases), failures=str(n_errors), errors="0"
    )
    for rule, findings in by_rule.items():
        failures = sum(finding.level == "error" for finding in findings)
        suite = ET.SubElement(
            root, "testsuite", name=rule, tests=str(max(1, len(findings))), failures=str(failures),
            errors="0", skipped="0",
        )  # fmt: skip
        for finding in findings:
            _append_case(suite, finding)
        if not findings:
            ET.SubElement(suite, "testcase", classname=rule, name="nothing to object to")
    return to_xml(root)


def _append_case(suite: ET.Element, finding: Finding) -> None:
    name = legal(one_line(f"{finding.task or 'the map'}: {finding.what}"))
    case = ET.SubElement(suite, "testcase", classname=finding.rule, name=name)
    said = f"{finding.before} → {finding.after}: {finding.why}"
    if finding.level == "error":
        failure = ET.SubElement(case, "failure", type=finding.rule, message=legal(one_line(said)))
        failure.text = legal(visible(said))
    else:
        ET.SubElement(case, "system-out").text = legal(visible(f"warning: {said}"))
