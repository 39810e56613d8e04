"""Template text → prompt text, by a part of Jinja2 that can neither call nor compute.

Jinja2's sandbox bounds neither time nor memory (`{{ 10**10000000 }}` burns 16 s), so the syntax
tree is read against a list of what may stand in it before anything is compiled:

* `{{ name }}`, `{{ name.key }}`, `{{ name["key"] }}`, `{{ name[0] }}`: data only, never attributes
* `{% if %}`, `{% elif %}`, `{% else %}`, `a if b else c`, comparisons, `and`, `or`, `not`, `in`,
  `is defined`, `is none`
* `{% for x in name %}` with `loop.index`, `loop.first`, `loop.last`, ...
* the filters of `FILTERS`

A value that is no text is written as JSON. A block tag takes its line's indentation and line break
with it, so `{% for %}` lines leave no blank lines.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from jinja2 import StrictUndefined, TemplateError, TemplateSyntaxError, Undefined, nodes
from jinja2 import Template as JinjaTemplate
from jinja2.exceptions import UndefinedError
from jinja2.meta import find_undeclared_variables
from jinja2.runtime import LoopContext
from jinja2.sandbox import ImmutableSandboxedEnvironment

from llmroute.errors import InputError, SuiteError
from llmroute.templates.allowed import check_size, check_tree
from llmroute.templates.filters import (
    FILTERS,
    MAX_OUTPUT_CHARACTERS,
    MAX_STEPS,
    STEPS,
    TemplateRefusedError,
    bounded_items,
    json_text,
)

MAX_TEMPLATE_BYTES = 100_000

_LONG_NUMBER = re.compile(r"(?<!\d)\d{1000}")
_LOOP_FIELDS = ("first", "index", "index0", "last", "length", "revindex", "revindex0")
_SIMPLE = (nodes.Template, nodes.Output, nodes.TemplateData, nodes.Name, nodes.Const)


class _DataEnvironment(ImmutableSandboxedEnvironment):
    """Jinja2 where a dot or a bracket reads data and nothing else."""

    def getattr(self, obj: Any, attribute: str) -> Any:
        if isinstance(obj, LoopContext) and attribute in _LOOP_FIELDS:
            return getattr(obj, attribute)
        return self.getitem(obj, attribute)

    def getitem(self, obj: Any, argument: Any) -> Any:
        if isinstance(obj, Undefined):
            str(obj)  # raises: the name is not known
        try:
            if isinstance(obj, Mapping) or (
                isinstance(obj, (list, tuple)) and type(argument) is int
            ):
                return obj[argument]
        except (LookupError, TypeError):
            pass
        return self.undefined(obj=obj, name=argument)


def _final(value: Any) -> Any:
    return value if isinstance(value, (str, Undefined)) else json_text(value)


def _make_environment() -> _DataEnvironment:
    environment = _DataEnvironment(
        undefined=StrictUndefined,
        autoescape=False,  # prompts are text for a model, not HTML
        optimized=False,  # nothing is computed while compiling
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_final,
        cache_size=0,
    )
    environment.filters.clear()
    environment.filters.update(FILTERS, _bounded=bounded_items)
    environment.globals.clear()
    return environment


_ENVIRONMENT = _make_environment()


@dataclass(frozen=True, slots=True)
class Template:
    """A compiled template; equal texts share one compilation."""

    text: str
    names: frozenset[str]
    """The variables it reads."""
    optional: frozenset[str]
    """Those of them that may be absent: it asks `is defined`, or gives a default."""
    simple: bool
    """Whether it only fills in variables as they are; then no value can make it fail."""
    fixed: tuple[str, ...]
    """The texts that stand in every rendering, in their order; none is blank."""
    where: str | None
    error: type[InputError]
    _compiled: JinjaTemplate

    def render(self, values: Mapping[str, Any], *, where: str | None = None) -> str:
        """The text with the values filled in.

        Args:
            values: variable → a JSON value.
            where: for messages: the sample, where there is one.

        Raises:
            InputError: of the template's type, where a value is missing or of the wrong kind, or
                the text grows beyond a million characters.
        """
        where = where or self.where
        try:
            context = self._compiled.new_context({**values, STEPS: [MAX_STEPS]})
            return "".join(_within_size(self._compiled.root_render_func(context)))
        except UndefinedError as cause:
            raise self.error(
                f"the template reads a value that is missing: {cause.message}",
                where=where,
                fix=f"Add it, or correct the template; there is: {', '.join(sorted(values))}.",
            ) from cause
        except TemplateRefusedError as cause:
            raise self.error(f"template: {cause.what}", where=where, fix=cause.fix) from cause
        except (TypeError, ValueError, TemplateError, RecursionError) as cause:
            fix = "Compare and filter values of the same kind."
            raise self.error(f"template: {cause}", where=where, fix=fix) from cause


def compile_template(
    text: str, *, where: str | None = None, error: type[InputError] = SuiteError
) -> Template:
    """The template, checked and compiled.

    Args:
        text: at most 100 KB.
        where: the file, for messages.
        error: the type of every error of this template.

    Raises:
        InputError: of the given type, where the text is no template or uses what is not allowed.

    >>> compile_template("{{ a }} and {{ b | upper }}").render({"a": 1, "b": "two"})
    '1 and TWO'
    """
    try:
        compiled, names, optional, simple, fixed = _compiled(text)
    except TemplateRefusedError as cause:
        line = f" (line {cause.line} of the template)" if cause.line else ""
        raise error(f"template: {cause.what}{line}", where=where, fix=cause.fix) from cause
    return Template(text, names, optional, simple, fixed, where, error, compiled)


@lru_cache(maxsize=256)
def _compiled(
    text: str,
) -> tuple[JinjaTemplate, frozenset[str], frozenset[str], bool, tuple[str, ...]]:
    tree = _parsed(text)
    names = frozenset(find_undeclared_variables(tree))
    optional = frozenset(_optional_names(tree))
    simple = all(isinstance(node, _SIMPLE) for node in _walk(tree))
    fixed = tuple(_fixed_texts(tree))
    for loop in tree.find_all(nodes.For):
        loop.iter = nodes.Filter(loop.iter, "_bounded", [], [], None, None, lineno=loop.lineno)
    try:
        code = _ENVIRONMENT.compile(tree)
        compiled = JinjaTemplate.from_code(_ENVIRONMENT, code, {})
    except (TemplateError, SyntaxError, ValueError, RecursionError, MemoryError) as cause:
        raise TemplateRefusedError(
            f"cannot be compiled: {cause}", "Simplify the template."
        ) from cause
    return compiled, names, optional, simple, fixed


def _parsed(text: str) -> nodes.Template:
    if len(text.encode("utf-8", "surrogatepass")) > MAX_TEMPLATE_BYTES:
        what = f"is larger than {MAX_TEMPLATE_BYTES // 1000} KB"
        raise TemplateRefusedError(what, "Put the text into the samples' fields.")
    if _LONG_NUMBER.search(text):  # Jinja's lexer takes 0.1 s over 90,000 digits
        raise TemplateRefusedError("holds too long a number", "Shorten it.")
    try:
        check_size(_ENVIRONMENT, text)
        tree = _ENVIRONMENT.parse(text)
        check_tree(tree)
    except TemplateSyntaxError as cause:
        fix = "Close every {{ with }} and every {% with %}; braces as text: {{ '{{' }}."
        raise TemplateRefusedError(f"{cause.message}", fix, cause.lineno) from cause
    except (RecursionError, ValueError, OverflowError) as cause:
        raise TemplateRefusedError(
            "is nested too deeply or holds too long a number", "Simplify it."
        ) from cause
    return tree


def _optional_names(tree: nodes.Template) -> Iterator[str]:
    for node in tree.find_all((nodes.Test, nodes.Filter)):
        if not isinstance(node, (nodes.Test, nodes.Filter)):
            continue
        guards = node.name in ("defined", "undefined", "default")
        if guards and isinstance(node.node, nodes.Name):
            yield node.node.name


def _fixed_texts(tree: nodes.Template) -> Iterator[str]:
    """What stands outside every block, and so in every rendering."""
    for node in tree.body:
        for part in node.nodes if isinstance(node, nodes.Output) else ():
            if isinstance(part, nodes.TemplateData) and part.data.strip():
                yield part.data


def _walk(node: nodes.Node) -> Iterator[nodes.Node]:
    yield node
    for child in node.iter_child_nodes():
        yield from _walk(child)


def _within_size(pieces: Iterator[str]) -> Iterator[str]:
    size = 0
    for piece in pieces:
        size += len(piece)
        if size > MAX_OUTPUT_CHARACTERS:
            what = f"the text grows beyond {MAX_OUTPUT_CHARACTERS:,} characters"
            raise TemplateRefusedError(what, "Shorten the sample or the template.")
        yield piece
