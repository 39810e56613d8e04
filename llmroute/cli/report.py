"""`llmroute report`: a run's report again, in any form."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from llmroute.cli import options as opt
from llmroute.cli.errors import command


@command
def report(
    output: opt.Output = None,
    run: Annotated[
        str | None, typer.Option("--run", metavar="ID", help="Which run; default: the last.")
    ] = None,
    template: Annotated[
        Path | None,
        typer.Option(
            "--template",
            metavar="FOLDER",
            help="Templates that replace the shipped ones, file by file.",
        ),
    ] = None,
    threshold: opt.Threshold = None,
    evidence: opt.EvidenceRule = None,
    reference: opt.Reference = None,
    prices: opt.PriceFile = None,
    config: opt.ConfigFile = None,
    store: opt.Store = None,
) -> int:
    """Write the report of a stored run: HTML into the output folder, or the files -o names."""
    from llmroute.cli.console import say
    from llmroute.cli.outputs import REPORT_FILE, Artefacts, check_suffixes
    from llmroute.pipeline import remap

    check_suffixes(output or ())
    decision = opt.read_decision(threshold, evidence, None, reference, prices)
    result = remap(opt.find_store(config, store), run_id=run, decision=decision)
    settings = opt.read_config(config)
    paths = output or [settings.out / REPORT_FILE]
    artefacts = Artefacts(result, template or opt.own_templates(settings))
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        artefacts.write(path)
    say("Wrote " + ", ".join(str(path) for path in paths))
    return 0
