"""`llmroute check`: the CI gate, this map against the previous one."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from llmroute.cli import options as opt
from llmroute.cli import reading
from llmroute.cli.errors import command

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from llmroute.records import Gate, GateResult


@command
def check(
    routing_map: opt.RoutingMapFile = None,
    previous: Annotated[
        Path | None,
        typer.Option(
            "--previous",
            "-p",
            metavar="MAP",
            help="The map that is in use now.",
            show_default=False,
        ),
    ] = None,
    allow_missing: Annotated[
        bool,
        typer.Option(
            "--allow-missing", help="Pass where the previous map's file is not there yet."
        ),
    ] = False,
    max_age: Annotated[
        str | None,
        typer.Option("--max-age", metavar="AGE", help="Of the oldest answer: 12h, 30d, 4w."),
    ] = None,
    rule: Annotated[
        list[str] | None,
        typer.Option(
            "--rule",
            metavar="NAME=LEVEL",
            help="error, warn or off, and a tolerance where the rule has one: cost_rose=warn:0.2. "
            "May repeat; before the configuration's gate:.",
        ),
    ] = None,
    data: Annotated[
        list[Path] | None,
        opt.data(help="Outcomes of the map; default: those beside it, else its run in the store."),
    ] = None,
    previous_data: Annotated[
        list[Path] | None,
        typer.Option("--previous-data", metavar="FILE", help="The same of the previous map."),
    ] = None,
    config: opt.ConfigFile = None,
    store: opt.Store = None,
    output: Annotated[
        list[Path] | None,
        typer.Option(
            "--output",
            "-o",
            metavar="FILE",
            help="A further file, its form by its suffix: .md .junit.xml .json, or .env for the "
            "answer as NAME=value lines. May repeat.",
        ),
    ] = None,
    max_bytes: Annotated[
        int,
        typer.Option("--max-bytes", metavar="N", min=1000, help="Cut .md files to this size."),
    ] = 60_000,
    as_json: Annotated[bool, typer.Option("--json", help="Print the answer as JSON.")] = False,
) -> int:
    """Hold this map against the previous one: exit 1 where a rule of level error objects.

    Where both maps' outcomes are at hand, the same samples are compared pair by pair; else the
    intervals in the maps. Without --previous, only what this map alone shows is checked.
    """
    import json
    from datetime import UTC, datetime

    from llmroute.cli.console import say, stdout_console
    from llmroute.cli.outputs import last_map
    from llmroute.errors import EXIT_GATE, EXIT_OK
    from llmroute.files import atomic_write
    from llmroute.pipeline import gate
    from llmroute.report.gate.terminal import print_gate
    from llmroute.report.gate.view import gate_to_dict

    settings = reading.read_config(config)
    terms = _terms(settings.gate, rule or (), max_age)
    forms = {path: _form_of(path) for path in output or ()}
    result = gate(
        routing_map or last_map(settings),
        _previous(previous, allow_missing=allow_missing),
        terms,
        datetime.now(UTC),
        files=data or (),
        previous_files=previous_data or (),
        store=store or settings.store,
    )
    for path, form in forms.items():
        atomic_write(path, _forms(result, max_bytes)[form]())
    if as_json:
        typer.echo(json.dumps(gate_to_dict(result), indent=2))
    else:
        print_gate(result, stdout_console())
    if forms:
        say("Wrote " + ", ".join(str(path) for path in forms))
    return EXIT_OK if result.passed else EXIT_GATE


def _forms(result: GateResult, max_bytes: int) -> Mapping[str, Callable[[], str]]:
    import json

    from llmroute.gate.rules import RULES
    from llmroute.report.gate.junit import render_gate_junit
    from llmroute.report.gate.markdown import render_gate_markdown
    from llmroute.report.gate.view import gate_to_dict, gate_variables

    return {
        ".md": lambda: render_gate_markdown(result, max_bytes),
        ".junit.xml": lambda: render_gate_junit(result, tuple(RULES)),
        ".json": lambda: json.dumps(gate_to_dict(result), indent=2) + "\n",
        ".env": lambda: gate_variables(result),
    }


_SUFFIXES = (".md", ".junit.xml", ".json", ".env")


def _form_of(path: Path) -> str:
    from llmroute.errors import ConfigError

    form = next((suffix for suffix in _SUFFIXES if path.name.endswith(suffix)), None)
    if form is None:
        raise ConfigError(
            f"no form of the gate's answer has the suffix of {path.name!r}",
            where="--output",
            fix=f"Use one of {', '.join(_SUFFIXES)}.",
        )
    return form


def _terms(gate: Gate, rules: list[str] | tuple[str, ...], max_age: str | None) -> Gate:
    """The configuration's gate with what the command line says instead."""
    from dataclasses import replace

    from llmroute.config.faults import RefusedError
    from llmroute.config.fields import read_age
    from llmroute.errors import ConfigError
    from llmroute.gate.check import read_setting

    settings = dict(read_setting(text) for text in rules)
    try:
        age = gate.max_age_days if max_age is None else read_age(max_age)
    except RefusedError as error:
        raise ConfigError(error.what, where="--max-age", fix=error.fix) from error
    return replace(gate, rules={**gate.rules, **settings}, max_age_days=age)


def _previous(path: Path | None, *, allow_missing: bool) -> Path | None:
    from llmroute.cli.console import say
    from llmroute.errors import ConfigError

    if path is None or path.exists():
        return path
    if allow_missing:
        say(f"{path} is not there yet: this is the first map.")
        return None
    raise ConfigError(
        "there is no such map",
        where=f"--previous {path}",
        fix="Check the path; where this is the first run, add --allow-missing.",
    )
