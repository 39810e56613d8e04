"""ReportView → one self-contained HTML file: no network, no trust in any text it shows."""

from __future__ import annotations

import base64
import hashlib
import json
from typing import TYPE_CHECKING, Any

from jinja2 import (
    ChoiceLoader,
    Environment,
    FileSystemLoader,
    StrictUndefined,
    TemplateError,
    TemplateNotFound,
)
from markupsafe import Markup

from llmroute import __version__
from llmroute.errors import InputError
from llmroute.report import amounts, charts
from llmroute.report.samples import RESULT_CODES
from llmroute.report.sanitize import one_line, visible
from llmroute.report.story import MEANINGS, SYMBOLS
from llmroute.resources import shipped

if TYPE_CHECKING:
    from pathlib import Path

    from llmroute.report.view import ReportView

TEMPLATE = "report.html.j2"
STYLE = "report.css"
SCRIPT = "report.js"


def render_html(view: ReportView, template_dir: Path | None = None) -> str:
    """The whole page; the same view and templates give the same text.

    Args:
        view: what to show.
        template_dir: a project's own `reports/`; its files replace the shipped ones one by one.

    Raises:
        InputError: a project's template, stylesheet or script cannot be used.
    """
    environment = page_environment(template_dir)
    style = read_asset(environment, STYLE, "</style")
    script = read_asset(environment, SCRIPT, "</script")
    try:
        return environment.get_template(TEMPLATE).render(
            view=view,
            policy=page_policy(style, script),
            style=style,
            script=script,
            data=_json_for_script(_page_data(view)),
            domain=charts.quality_domain(view.tasks),
            route_domain=charts.route_domain(view.tasks),
            task_charts=[charts.task_chart(task) for task in view.tasks],
            overall_chart=charts.overall_chart(view),
            version=__version__,
        )
    except TemplateError as error:
        raise InputError(
            f"the report template cannot be rendered: {error}",
            where=_where(error, template_dir),
            fix="Mend the template, or remove it to use the one that ships with llmroute.",
        ) from error


def page_environment(template_dir: Path | None) -> Environment:
    """Templates that escape every expression, a project's own before the shipped ones."""
    folders = [folder for folder in (template_dir, shipped("reports")) if folder]
    # select_autoescape() would leave *.html.j2 unescaped.
    environment = Environment(
        autoescape=True,
        loader=ChoiceLoader([FileSystemLoader(folder) for folder in folders]),
        undefined=StrictUndefined,
        finalize=_show,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals.update(
        interval_mark=charts.interval_mark,
        symbols=SYMBOLS,
        meanings=MEANINGS,
        result_codes=RESULT_CODES,
        counted=amounts.counted,
        quality_text=amounts.quality_text,
        seconds_text=amounts.seconds_text,
        share_text=amounts.share_text,
        count_text=amounts.count_text,
        one_line=one_line,
    )
    return environment


def _show(value: Any) -> Any:
    """Every expression of a template ends here: what a reader could not see is made visible."""
    if isinstance(value, str) and not isinstance(value, Markup):
        return visible(value)
    return "" if value is None else value


def read_asset(environment: Environment, name: str, closing_tag: str) -> Markup:
    """A stylesheet or script as it stands, since it is ours or the project's, never data."""
    assert environment.loader is not None  # noqa: S101 - set above
    try:
        text, path, _ = environment.loader.get_source(environment, name)
    except (TemplateNotFound, UnicodeDecodeError) as error:
        raise InputError(f"{name} cannot be read as UTF-8 text", where=name) from error
    if closing_tag in text.lower() or "<!--" in text:
        raise InputError(
            f"{closing_tag!r} or '<!--' would end it too early",
            where=path or name,
            fix="Write the text without it.",
        )
    return Markup(text.replace("\r\n", "\n").replace("\r", "\n"))  # noqa: S704 - see above


def page_policy(style: str, script: str | None = None) -> str:
    """The page may use its own stylesheet and script, by hash, and nothing else whatsoever."""
    return "; ".join(
        (
            "default-src 'none'",
            f"style-src '{_source_hash(style)}'",
            f"script-src '{_source_hash(script)}'" if script else "script-src 'none'",
            "base-uri 'none'",
            "form-action 'none'",
        )
    )


def _source_hash(text: str) -> str:
    sha256 = hashlib.sha256(text.encode()).digest()
    return f"sha256-{base64.b64encode(sha256).decode()}"


def _page_data(view: ReportView) -> dict[str, Any]:
    """What the script copies as CSV: the rows of `table.py`."""
    from llmroute.report.table import table_rows

    return {"version": 1, "cells": table_rows(view)}


def _json_for_script(data: Any) -> Markup:
    """JSON that cannot end the element it stands in, whatever its texts hold."""
    text = json.dumps(data, ensure_ascii=True, separators=(",", ":"), sort_keys=True)
    for character in "<>&":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return Markup(text)  # noqa: S704 - ASCII without <, > and &


def _where(error: TemplateError, template_dir: Path | None) -> str:
    name = getattr(error, "name", None) or TEMPLATE
    line = getattr(error, "lineno", None)
    folder = template_dir if template_dir and (template_dir / name).exists() else "reports"
    return f"{folder}/{name}:{line}" if line else f"{folder}/{name}"
