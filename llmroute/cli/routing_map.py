"""`llmroute map`: decide again, from the store or from outcomes files; compare and verify maps."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from llmroute.cli import options as opt
from llmroute.cli import reading
from llmroute.cli.errors import command

app = typer.Typer(invoke_without_command=True)


@app.callback()
def map_command(
    context: typer.Context,
    data: opt.Data = None,
    threshold: opt.Threshold = None,
    evidence: opt.EvidenceRule = None,
    confidence: opt.Confidence = None,
    reference: opt.Reference = None,
    prices: opt.PriceFile = None,
    labels: opt.Labels = None,
    run: opt.Run = None,
    volume: opt.VolumeOption = None,
    config: opt.ConfigFile = None,
    store: opt.Store = None,
    out: opt.Out = None,
    output: opt.Output = None,
    as_json: opt.AsJson = False,
) -> None:
    """Make the routing map again under another bar, evidence, reference or prices; no call is made.

    Prints the story, or with --json the map. Writes only what --out and -o name.
    """
    if context.invoked_subcommand is not None:
        _refuse_options(context)
        return
    decision = threshold, evidence, confidence, reference, prices
    named = data or [], decision, labels or [], run, volume
    _remap(*named, config, store, out, output or [], as_json=as_json)


@command
def _remap(
    data: list[Path],
    decided: tuple[str | None, opt.EvidenceOption | None, float | None, str | None, Path | None],
    labels: list[Path],
    run: str | None,
    volume: str | None,
    config: Path | None,
    store: Path | None,
    out: Path | None,
    output: list[Path],
    *,
    as_json: bool,
) -> int:
    from llmroute.cli.outputs import check_suffixes
    from llmroute.cli.show import finish
    from llmroute.deciding import Background, spending_on
    from llmroute.pipeline import look_back, map_outcomes, remap

    check_suffixes(output)
    decision = reading.read_decision(*decided, labels)
    traffic = reading.read_volume(volume)
    kept = None if data else reading.find_store(config, store)
    if kept is None:
        result = map_outcomes(data, decision)
    else:
        result = remap(kept, run_id=run, decision=decision)

    def background() -> Background:
        if kept is None:
            return Background(traffic, spending_on(result))
        stated = traffic or reading.read_config(config).volume
        return look_back(kept, result, decision=decision, volume=stated)

    finish(result, out, output, as_json=as_json, background=background)
    return 0


def _refuse_options(context: typer.Context) -> None:
    """Options between `map` and its subcommand would have no effect, so they are not taken."""
    for name in context.params:
        source = context.get_parameter_source(name)
        if source is not None and source.name == "COMMANDLINE":
            raise typer.BadParameter(
                f"--{name} stands before {context.invoked_subcommand!r}, which makes no map: "
                "take it away, or write it after the subcommand."
            )


@app.command("diff")
@command
def diff(
    before: Annotated[Path, typer.Argument(metavar="A", help="The earlier map.")],
    after: Annotated[Path, typer.Argument(metavar="B", help="The later one.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print the change as JSON.")] = False,
) -> int:
    """Show what changed from one map to another: routes, verdicts, quality, cost, notes."""
    import json

    from llmroute.cli.console import stdout_console
    from llmroute.pipeline import diff_maps
    from llmroute.report.gate.terminal import print_diff
    from llmroute.report.map_diff import diff_to_dict

    change = diff_maps(before, after)
    if as_json:
        typer.echo(json.dumps(diff_to_dict(change), indent=2))
    else:
        print_diff(change, stdout_console())
    return 0


@app.command("verify")
@command
def verify(
    routing_map: opt.RoutingMapFile = None,
    data: Annotated[
        list[Path] | None,
        opt.data(help="Its outcomes; default: its run in the store, else those beside it."),
    ] = None,
    shallow: Annotated[
        bool, typer.Option("--shallow", help="Check form and hashes only; recompute nothing.")
    ] = False,
    config: opt.ConfigFile = None,
    store: opt.Store = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print what was checked as JSON.")
    ] = False,
) -> int:
    """Check that a map is what was written, and that its outcomes give just this map.

    Reads its form, its digest and the files it names by hash, then makes it again from its run in
    the store or from outcomes, and names the first field that differs (exit 2).
    """
    import json

    from llmroute.cli.console import show_text
    from llmroute.cli.outputs import last_map
    from llmroute.pipeline import verify_map

    settings = reading.read_config(config)
    verified = verify_map(
        routing_map or last_map(settings),
        data or (),
        store=store or settings.store,
        config=None if settings.path is None else settings,
        shallow=shallow,
    )
    if as_json:
        typer.echo(json.dumps({"version": 1, "verified": True, **asdict(verified)}, indent=2))
        return 0
    for line in verified.lines():
        show_text(line)
    return 0
