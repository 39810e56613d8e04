"""`llmroute bench`: ask, score, decide, write."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from llmroute.cli import charts as chart_options
from llmroute.cli import options as opt
from llmroute.cli import reading
from llmroute.cli.errors import command

if TYPE_CHECKING:
    from llmroute.records import Config


class StrategyOption(StrEnum):
    """What of the grid is asked."""

    grid = "grid"
    race = "race"


@command
def bench(
    config: opt.ConfigFile = None,
    suite: Annotated[
        list[str] | None,
        typer.Option("--suite", "-s", metavar="NAME", help="Only this suite. May repeat."),
    ] = None,
    candidate: Annotated[
        list[str] | None,
        typer.Option("--candidate", metavar="NAME", help="Only this candidate. May repeat."),
    ] = None,
    limit: Annotated[
        int | None,
        typer.Option("--limit", "-n", min=1, help="Samples a suite.", show_default=False),
    ] = None,
    repeats: Annotated[
        int | None,
        typer.Option("--repeats", min=1, help="Ask each sample so often.", show_default=False),
    ] = None,
    threshold: opt.Threshold = None,
    evidence: opt.EvidenceRule = None,
    confidence: opt.Confidence = None,
    reference: opt.Reference = None,
    prices: opt.PriceFile = None,
    labels: opt.Labels = None,
    offline: Annotated[
        bool,
        typer.Option("--offline", help="Send nothing: answers from the store and recordings only."),
    ] = False,
    refresh: Annotated[
        bool,
        typer.Option(
            "--refresh", help="Ask again what is answered; new answers replace the old ones."
        ),
    ] = False,
    wait_s: Annotated[
        float,
        typer.Option(
            "--wait", metavar="SECONDS", min=0, help="Wait so long for another bench to finish."
        ),
    ] = 0.0,
    strategy: Annotated[
        StrategyOption,
        typer.Option(
            "--strategy",
            help="grid: ask everything. race: ask, cheap to dear, only what the route hangs on; "
            "another route than the grid's at a risk of at most 5 % a task.",
        ),
    ] = StrategyOption.grid,
    max_usd: Annotated[
        float | None,
        typer.Option(
            "--max-usd",
            metavar="USD",
            help="Spend no more than this, retries included; what is answered by then is kept.",
            show_default=False,
        ),
    ] = None,
    allow_code_execution: opt.AllowCodeExecution = False,
    dry_run: Annotated[
        bool,
        typer.Option(
            "--dry-run", help="Print calls, tokens, cost, time and power of the plan; send nothing."
        ),
    ] = False,
    yes: Annotated[
        bool, typer.Option("--yes", "-y", help="Don't ask before spending more than confirm_usd.")
    ] = False,
    record: Annotated[
        Path | None,
        typer.Option("--record", metavar="FILE", help="Write the answers as a recording."),
    ] = None,
    volume: opt.VolumeOption = None,
    out: opt.Out = None,
    output: opt.Output = None,
    charts: chart_options.Charts = None,
    png: chart_options.Png = False,
    as_json: opt.AsJson = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress.")] = False,
) -> int:
    """Run suites × candidates, score the answers, and write the routing map and the report.

    What is answered is kept in the store: the same command again asks only what is missing.
    Without a configuration the shipped suites that need no judge run on the builtin programs: no
    key, no network.
    """
    import os
    from datetime import UTC, datetime

    from llmroute.cli.console import say
    from llmroute.cli.outputs import check_suffixes
    from llmroute.cli.plan import confirm, print_plan, what_a_higher_cap_buys
    from llmroute.cli.progress import RunProgress
    from llmroute.cli.show import finish
    from llmroute.judges.family import family_warnings
    from llmroute.pipeline import benchmark, estimate_run, look_back, plan_run, record_run
    from llmroute.plan.matrix import Selection
    from llmroute.sandbox import code_execution

    check_suffixes(output or ())
    chart_folder = chart_options.read_charts(charts, png=png)
    _check_together(offline=offline, refresh=refresh)
    settings = _settings(config, repeats, max_usd, quiet=quiet or as_json)
    decision = reading.read_decision(threshold, evidence, confidence, reference, prices, labels)
    traffic = reading.read_volume(volume)
    selection = Selection(tuple(suite or ()), tuple(candidate or ()), limit)
    with code_execution(allowed=allow_code_execution):
        plan = plan_run(settings, selection, os.environ, offline=offline)
        if plan.left_out and not (quiet or as_json):
            say(_left_out(plan.left_out))
        for warning in family_warnings(plan.judges, plan.candidates):
            say(f"warning: {warning}")
        if dry_run:
            print_plan(estimate_run(settings, plan, refresh=refresh), as_json=as_json)
            return 0
        if must_ask(yes) and not confirm(
            estimate_run(settings, plan, refresh=refresh), settings.budget.confirm_usd
        ):
            return 0
        with RunProgress(quiet=quiet) as progress:
            result = benchmark(
                settings,
                plan,
                env=os.environ,
                listener=progress,
                now=lambda: datetime.now(UTC),
                offline=offline,
                refresh=refresh,
                wait_s=wait_s,
                strategy=strategy.value,
                decision=decision,
            )
    if result.n_unsent:
        say(what_a_higher_cap_buys(estimate_run(settings, plan), result, settings.budget))
    if record is not None:
        record_run(settings.store, record, result.routing_map.provenance.run_id)
    return finish(
        result,
        settings.out if out is None else out,
        output or (),
        as_json=as_json,
        templates=reading.own_templates(settings),
        background=lambda: look_back(
            settings.store, result, decision=decision, volume=traffic or settings.volume
        ),
        charts=chart_folder,
    )


def _left_out(suites: Sequence[str]) -> str:
    """The note on suites whose answers would be run."""
    return (
        f"Left out, because scoring it would run what the candidates write: {', '.join(suites)}. "
        "--allow-code-execution runs it in a sandbox."
    )


def must_ask(yes: bool) -> bool:
    """A person is asked before money is spent; a pipe and CI are not."""
    import os
    import sys

    return not yes and not os.environ.get("CI") and sys.stdin.isatty() and sys.stderr.isatty()


def _check_together(*, offline: bool, refresh: bool) -> None:
    from llmroute.errors import ConfigError

    if offline and refresh:
        raise ConfigError(
            "--refresh asks again, and --offline asks nothing",
            fix="Leave one of them out.",
        )


def _settings(
    path: Path | None, repeats: int | None, max_usd: float | None, *, quiet: bool
) -> Config:
    from llmroute.cli.console import say

    settings = reading.read_config(path)
    if settings.path is None and not quiet:
        say(
            "No llmroute.yaml here: running the shipped suites that need no judge on the builtin "
            "programs. `llmroute init` writes one for your own models."
        )
    budget = settings.budget
    return replace(
        settings,
        repeats=settings.repeats if repeats is None else repeats,
        budget=budget if max_usd is None else replace(budget, max_usd=reading.read_cap(max_usd)),
    )
