"""ReportView → JUnit XML: a testsuite a task, a testcase a route, failing where none clears."""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

from llmroute.report.sanitize import one_line, visible
from llmroute.report.xml import legal, to_xml

if TYPE_CHECKING:
    from llmroute.report.bench.tasks import TaskView
    from llmroute.report.bench.view import ReportView


def render_junit(view: ReportView) -> str:
    """One testcase for every (task, route); the verdict `fallback` is a failure."""
    failing = sum(task.verdict == "fallback" for task in view.tasks)
    root = ET.Element(
        "testsuites", name="llmroute", tests=str(len(view.tasks)), failures=str(failing), errors="0"
    )
    for task in view.tasks:
        _append_suite(root, task)
    return to_xml(root)


def _append_suite(root: ET.Element, task: TaskView) -> None:
    failures = "1" if task.verdict == "fallback" else "0"
    name = legal(one_line(task.task))
    suite = ET.SubElement(
        root, "testsuite", name=name, tests="1", failures=failures, errors="0", skipped="0"
    )
    case = ET.SubElement(
        suite, "testcase", classname=name, name=legal(one_line(f"{task.task} → {task.route}"))
    )
    if task.verdict == "fallback":
        failure = ET.SubElement(
            case, "failure", type="fallback", message=legal(one_line(task.reason))
        )
        failure.text = legal(visible(_rejections(task)))
    ET.SubElement(case, "system-out").text = legal(visible(_evidence(task)))


def _rejections(task: TaskView) -> str:
    return "\n".join(
        f"{one_line(item.candidate)}: {item.verdict}, {one_line(item.reason)}"
        for item in task.rejected
    )


def _evidence(task: TaskView) -> str:
    interval = f" ({task.quality.interval})" if task.quality.interval else ""
    return (
        f"{task.verdict}: quality {task.quality.text}{interval} against the bar {task.bar.text}, "
        f"n {task.n_samples}, coverage {task.coverage.text}, {task.cost.text} per 1,000 requests"
    )
