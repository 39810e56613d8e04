"""`llmroute report`: a run's report again, in any form."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from llmroute.cli import charts as chart_options
from llmroute.cli import options as opt
from llmroute.cli import reading
from llmroute.cli.errors import command

if TYPE_CHECKING:
    from llmroute.deciding import Decision

HISTORY_FILE = "history.html"


@command
def report(
    output: opt.Output = None,
    run: opt.Run = None,
    template: opt.Template = None,
    history: Annotated[
        int | None,
        typer.Option(
            "--history",
            metavar="N",
            min=1,
            help="One page over the last N runs instead: quality and price over time, and where"
            " routes changed.",
        ),
    ] = None,
    threshold: opt.Threshold = None,
    evidence: opt.EvidenceRule = None,
    reference: opt.Reference = None,
    prices: opt.PriceFile = None,
    charts: chart_options.Charts = None,
    png: chart_options.Png = False,
    volume: opt.VolumeOption = None,
    config: opt.ConfigFile = None,
    store: opt.Store = None,
) -> int:
    """Write the report of a stored run: HTML into the output folder, or the files -o names."""
    from llmroute.cli.console import say
    from llmroute.cli.outputs import REPORT_FILE, Artefacts, check_suffixes
    from llmroute.pipeline import look_back, remap

    chart_folder = chart_options.read_charts(charts, png=png)
    decision = reading.read_decision(threshold, evidence, None, reference, prices)
    if history is not None:
        paths = _write_history(
            history, run, decision, output, template, config, store, chart_folder
        )
        say("Wrote " + ", ".join(str(path) for path in paths))
        return 0
    check_suffixes(output or ())
    traffic = reading.read_volume(volume)
    kept = reading.find_store(config, store)
    result = remap(kept, run_id=run, decision=decision)
    settings = reading.read_config(config)
    paths = output or [settings.out / REPORT_FILE]
    artefacts = Artefacts(
        result,
        template or reading.own_templates(settings),
        lambda: look_back(kept, result, decision=decision, volume=traffic or settings.volume),
    )
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        artefacts.write(path)
    say("Wrote " + ", ".join(str(path) for path in paths))
    artefacts.write_charts(chart_folder)
    return 0


def _write_history(
    n_runs: int,
    run: str | None,
    decision: Decision,
    output: list[Path] | None,
    template: Path | None,
    config: Path | None,
    store: Path | None,
    charts: chart_options.ChartFolder | None,
) -> list[Path]:
    """The page over several runs, and its figures; the paths written.

    Raises:
        ConfigError: one run is named too, or another form than HTML is asked for.
    """
    from llmroute.errors import ConfigError
    from llmroute.files import atomic_write
    from llmroute.pipeline import remap_runs
    from llmroute.report.history import build_history, history_figures, render_history

    settings = reading.read_config(config)
    paths = output or [settings.out / HISTORY_FILE]
    if run is not None:
        raise ConfigError("--history shows several runs, --run names one", fix="Leave one out.")
    for path in paths:
        if path.suffix != ".html":
            raise ConfigError(
                f"{path} is no page", where="-o", fix="Name a file that ends in .html."
            )
    maps, notes = remap_runs(reading.find_store(config, store), n_runs, decision)
    view, templates = build_history(maps, notes), template or reading.own_templates(settings)
    page = render_history(view, templates)
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        atomic_write(path, page)
    if charts:
        charts.write(history_figures(view), templates)
    return paths
