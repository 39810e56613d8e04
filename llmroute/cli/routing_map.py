"""`llmroute map`: decide again, from the store or from outcomes files."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from llmroute.cli import options as opt
from llmroute.cli.errors import command


@command
def map_command(
    data: Annotated[
        list[Path] | None,
        typer.Option(
            "--data",
            "-d",
            metavar="FILE",
            help="Outcomes as JSONL, plain or gzipped, instead of the store. May repeat.",
        ),
    ] = None,
    threshold: opt.Threshold = None,
    evidence: opt.EvidenceRule = None,
    confidence: opt.Confidence = None,
    reference: opt.Reference = None,
    prices: opt.PriceFile = None,
    run: Annotated[
        str | None, typer.Option("--run", metavar="ID", help="Which run; default: the last.")
    ] = None,
    config: opt.ConfigFile = None,
    store: opt.Store = None,
    out: opt.Out = None,
    output: opt.Output = None,
    as_json: opt.AsJson = False,
) -> int:
    """Make the routing map again under another bar, evidence, reference or prices; no call is made.

    Prints the story, or with --json the map. Writes only what --out and -o name.
    """
    from llmroute.cli.outputs import check_suffixes
    from llmroute.cli.show import finish
    from llmroute.pipeline import map_outcomes, remap

    check_suffixes(output or ())
    decision = opt.read_decision(threshold, evidence, confidence, reference, prices)
    if data:
        result = map_outcomes(data, decision)
    else:
        result = remap(opt.find_store(config, store), run_id=run, decision=decision)
    finish(result, out, output or (), as_json=as_json)
    return 0
