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

app.command("init")(init.init)
app.command("bench")(bench.bench)
app.command("check")(check.check)
app.command("report")(report.report)
app.command("calibrate")(calibrate.calibrate)
app.command("route")(route.route)
app.command("export")(export.export)
app.command("shadow")(shadow.shadow)
app.command("models")(models.models)
app.command("schema")(schema.schema)
app.add_typer(routing_map.app, name="map")
app.add_typer(suites.app, name="suites")
app.add_typer(judge.app, name="judge")
app.add_typer(ab.app, name="ab")
app.add_typer(store.app, name="store")
app.add_typer(ci.app, name="ci")


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
