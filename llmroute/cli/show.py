"""Result → what a command prints and writes, and its exit code."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import typer

from llmroute.cli.charts import ChartFolder
from llmroute.cli.console import say, stdout_console
from llmroute.cli.outputs import Artefacts
from llmroute.deciding import Background, Result
from llmroute.errors import EXIT_BUDGET, EXIT_INTERRUPTED, EXIT_OK, EXIT_OUTSIDE
from llmroute.report.bench.terminal import print_report
from llmroute.routing_map.file import map_to_json


def finish(
    result: Result,
    folder: Path | None,
    further: Sequence[Path],
    *,
    as_json: bool,
    templates: Path | None = None,
    background: Callable[[], Background] = Background,
    charts: ChartFolder | None = None,
) -> int:
    """Write the artefacts, print the story, and say how it ended.

    Args:
        result: a decided run.
        folder: where the map, the report and the outcomes go; None: nowhere.
        further: more files, their form by suffix.
        as_json: print the map as JSON instead of the story.
        templates: the project's own report templates.
        background: looks up what reports say beside the result.
        charts: where the report's figures go as files of their own; None: nowhere.
    """
    artefacts = Artefacts(result, templates, background)
    written = artefacts.write_all(folder) if folder is not None else []
    for path in further:
        artefacts.write(path)
        written.append(path)
    if as_json:
        typer.echo(map_to_json(result.routing_map), nl=False)
    else:
        print_report(artefacts.view, stdout_console())
    if written:
        say("Wrote " + ", ".join(str(path) for path in written))
    artefacts.write_charts(charts)
    return _exit_code(result)


def _exit_code(result: Result) -> int:
    if result.interrupted and result.refreshed and not result.n_failed:
        say(
            "Interrupted: the new answers that came are kept, all others are the old ones. "
            "Run the same command again to ask for all of them once more."
        )
        return EXIT_INTERRUPTED
    if result.interrupted:
        say(
            f"Interrupted: {result.n_planned - result.n_failed:,} of {result.n_planned:,} calls "
            "are answered and kept. Run the same command again to go on."
        )
        return EXIT_INTERRUPTED if result.n_failed else EXIT_OK
    if result.n_unsent:
        return EXIT_BUDGET
    if result.n_failed:
        say(
            f"{result.n_failed:,} of {result.n_planned:,} calls have no answer; the report says "
            "why. Run the same command again to ask for these alone."
        )
        return EXIT_OUTSIDE
    return EXIT_OK
