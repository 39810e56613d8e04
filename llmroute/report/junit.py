"""ReportView → JUnit XML: a testsuite a task, a testcase a route, failing where none clears."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

from llmroute.report.sanitize import one_line, visible

if TYPE_CHECKING:
    from llmroute.report.view import ReportView, TaskView

_ILLEGAL = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def render_junit(view: ReportView) -> str:
    """One testcase for every (task, route); the verdict `fallback` is a failure."""
    failing = sum(task.verdict == "fallback" for task in view.tasks)
    root = ET.Element(
        "testsuites", name="llmroute", tests=str(len(view.tasks)), failures=str(failing), errors="0"
    )
    for task in view.tasks:
        _append_suite(root, task)
    return to_xml(root)


def to_xml(root: ET.Element) -> str:
    """The document, indented, with its declaration."""
    ET.indent(root)
    xml = ET.tostring(root, encoding="unicode")
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{xml}\n'


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


def legal(text: str) -> str:
    """The text without what XML 1.0 (section 2.2) forbids; `visible` has escaped most of it."""
    return _ILLEGAL.sub("\ufffd", text)


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
