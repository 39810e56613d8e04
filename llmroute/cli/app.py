"""The `llmroute` command: one module a subcommand, each importing its rooms inside itself."""

from __future__ import annotations

from typing import Annotated

import typer

from llmroute import __version__
from llmroute.cli import (
    ab,
    bench,
    calibrate,
    check,
    ci,
    export,
    init,
    judge,
    models,
    report,
    route,
    routing_map,
    schema,
    shadow,
    store,
    suites,
)

app = typer.Typer(
    name="llmroute",
    help="The cheapest LLM that clears the bar for each of your tasks, with the evidence.",
    epilog="Start with `llmroute init`, or run `llmroute bench` to see it work without any key.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

MAKE = "Make the map"
USE = "Use it"
KEEP = "Keep it right"
LOOK = "Look things up"

app.command("init", rich_help_panel=MAKE)(init.init)
app.command("bench", rich_help_panel=MAKE)(bench.bench)
app.command("calibrate", rich_help_panel=MAKE)(calibrate.calibrate)
app.command("report", rich_help_panel=MAKE)(report.report)
app.add_typer(routing_map.app, name="map", rich_help_panel=MAKE)
app.add_typer(suites.app, name="suites", rich_help_panel=MAKE)
app.add_typer(judge.app, name="judge", rich_help_panel=MAKE)

app.command("route", rich_help_panel=USE)(route.route)
app.command("export", rich_help_panel=USE)(export.export)
app.command("shadow", rich_help_panel=USE)(shadow.shadow)
app.add_typer(ab.app, name="ab", rich_help_panel=USE)

app.command("check", rich_help_panel=KEEP)(check.check)
app.add_typer(ci.app, name="ci", rich_help_panel=KEEP)

app.command("models", rich_help_panel=LOOK)(models.models)
app.command("schema", rich_help_panel=LOOK)(schema.schema)
app.add_typer(store.app, name="store", rich_help_panel=LOOK)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"llmroute {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool,
        typer.Option(
            "--version", help="Print the version and exit.", callback=_version, is_eager=True
        ),
    ] = False,
) -> None:
    """Options of `llmroute` itself."""


def main() -> None:
    """Run the command line and exit with its code."""
    app()
