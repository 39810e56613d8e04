"""The views' dataclasses → the tables of docs/report-templates.md: what a template may show.

`python -m llmroute.report.fields` writes them anew.
"""

from __future__ import annotations

import ast
import inspect
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass, is_dataclass
from importlib import import_module
from pathlib import Path

from llmroute.report.bench.view import ReportView
from llmroute.report.calibration.view import CalibrationView
from llmroute.report.history import HistoryView

ROOT = Path(__file__).resolve().parent.parent.parent
PAGE = ROOT / "docs" / "report-templates.md"
BEGIN, END = "<!-- fields: python -m llmroute.report.fields -->\n", "<!-- end of fields -->\n"
VIEWS = {
    "report.html.j2": ReportView,
    "calibration.html.j2": CalibrationView,
    "history.html.j2": HistoryView,
}


@dataclass(frozen=True, slots=True)
class Field:
    """One name a template may use."""

    name: str
    type: str
    what: str


def main() -> None:
    """Write the tables into the page."""
    PAGE.write_text(with_tables(PAGE.read_text()))


def with_tables(page: str) -> str:
    """The page with its tables as the code has them now."""
    before, _, rest = page.partition(BEGIN)
    return f"{before}{BEGIN}{field_tables()}{END}{rest.partition(END)[2]}"


def field_tables() -> str:
    """A chapter a page and a table a record, as Markdown; a record stands once, where it is met."""
    seen: set[type] = set()
    parts = []
    for template, view in VIEWS.items():
        parts.append(f"\n## `{template}`\n")
        parts += [_table(record) for record in _records(view, seen)]
    return "".join(parts)


def fields_of(record: type) -> tuple[Field, ...]:
    """A dataclass's fields, properties and methods, with what their docstrings say."""
    body = ast.parse(inspect.getsource(record)).body[0]
    assert isinstance(body, ast.ClassDef)  # noqa: S101 - a dataclass is a class
    followed = zip(body.body, [*body.body[1:], ast.Pass()], strict=True)
    return tuple(field for node, after in followed if (field := _field(node, after)))


def _field(node: ast.stmt, after: ast.stmt) -> Field | None:
    if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
        return Field(node.target.id, ast.unparse(node.annotation), _text(after))
    if isinstance(node, ast.FunctionDef) and not node.name.startswith("_"):
        decorators = [ast.unparse(one) for one in node.decorator_list]
        if "classmethod" in decorators or node.returns is None:
            return None
        arguments = ", ".join(one.arg for one in node.args.args[1:])
        name = node.name if "property" in decorators else f"{node.name}({arguments})"
        return Field(name, ast.unparse(node.returns), (ast.get_docstring(node) or ""))
    return None


def _text(node: ast.stmt) -> str:
    is_text = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    return inspect.cleandoc(str(node.value.value)) if is_text else ""  # type: ignore[attr-defined]


def _records(record: type, seen: set[type]) -> Iterator[type]:
    """The dataclass and those its fields hold, each once, in the order they are met."""
    if record in seen:
        return
    seen.add(record)
    yield record
    for field in fields_of(record):
        for name in re.findall(r"[A-Z]\w+", field.type):
            inner = _dataclass(name, record)
            if inner is not None:
                yield from _records(inner, seen)


def _dataclass(name: str, user: type) -> type | None:
    """The report room's dataclass of that name, as the user's module defines or imports it."""
    module = sys.modules[user.__module__]
    sources = {
        alias.name: node.module
        for node in ast.walk(ast.parse(inspect.getsource(module)))  # also `if TYPE_CHECKING:`
        if isinstance(node, ast.ImportFrom) and node.module
        for alias in node.names
    }
    found = getattr(import_module(sources.get(name, module.__name__)), name, None)
    if not isinstance(found, type) or not is_dataclass(found):
        return None
    return found if found.__module__.startswith("llmroute.report.") else None


def _table(record: type) -> str:
    lines = [
        f"\n### {record.__name__}\n",
        f"\n{inspect.cleandoc(record.__doc__ or '')}\n",
        "\n| field | type | what |\n|---|---|---|\n",
    ]
    lines += [
        f"| `{one.name}` | `{_cell(one.type)}` | {_cell(one.what)} |\n" for one in fields_of(record)
    ]
    return "".join(lines)


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


if __name__ == "__main__":
    main()
