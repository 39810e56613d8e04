"""Template + fields → one self-contained page: no network, no trust in any text it shows."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass, field
from functools import partial
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
from llmroute.report import amounts
from llmroute.report.figures import draw
from llmroute.report.sanitize import one_line, visible
from llmroute.report.verdicts import MEANINGS, SYMBOLS
from llmroute.resources import shipped

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path


PRINT_STYLE = "print.css"
OWN_STYLE = "own.css"
"""Shipped empty; a project's own stands last, so that a few colours need no copy of a sheet."""


@dataclass(frozen=True, slots=True)
class Page:
    """The files of `reports/` that make up a page; several styles or scripts stand as one."""

    template: str
    styles: tuple[str, ...]
    scripts: tuple[str, ...] = ()
    functions: Mapping[str, Callable[..., Any]] = field(default_factory=dict)
    """What its templates may call beside the functions of every page, macros too."""


def render_page(page: Page, template_dir: Path | None, **fields: Any) -> str:
    """The whole page; the same files and fields give the same text.

    Args:
        page: which files.
        template_dir: a project's own `reports/`; its files replace the shipped ones one by one.
        fields: what the template shows.

    Raises:
        InputError: a project's template, stylesheet or script cannot be used.
    """
    environment = page_environment(template_dir)
    environment.globals.update(page.functions)  # a macro sees these, but no field
    style = _joined(environment, (*page.styles, PRINT_STYLE, OWN_STYLE), "</style")
    script = _joined(environment, page.scripts, "</script")
    try:
        return environment.get_template(page.template).render(
            policy=page_policy(style, script),
            style=style,
            script=script,
            version=__version__,
            **fields,
        )
    except TemplateError as error:
        raise InputError(
            f"the page cannot be rendered: {error}",
            where=_where(error, page.template, template_dir),
            fix="Mend the template, or remove it to use the one that ships with llmroute.",
        ) from error


def page_environment(template_dir: Path | None = None) -> Environment:
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
        symbols=SYMBOLS,
        meanings=MEANINGS,
        counted=amounts.counted,
        quality_text=amounts.quality_text,
        seconds_text=amounts.seconds_text,
        share_text=amounts.share_text,
        count_text=amounts.count_text,
        one_line=one_line,
        draw=partial(draw, environment),
    )
    return environment


def _show(value: Any) -> Any:
    """Every expression of a template ends here: what a reader could not see is made visible."""
    if isinstance(value, str) and not isinstance(value, Markup):
        return visible(value)
    return "" if value is None else value


def _joined(environment: Environment, names: tuple[str, ...], closing_tag: str) -> Markup:
    return Markup("").join(read_asset(environment, name, closing_tag) for name in names)


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


def page_policy(style: str, script: str = "") -> str:
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


def _where(error: TemplateError, template: str, template_dir: Path | None) -> str:
    name = getattr(error, "name", None) or template
    line = getattr(error, "lineno", None)
    folder = template_dir if template_dir and (template_dir / name).exists() else "reports"
    return f"{folder}/{name}:{line}" if line else f"{folder}/{name}"
