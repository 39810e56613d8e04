"""`llmroute judge attack`: what known attacks win from a judge."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from llmroute.cli import options as opt
from llmroute.cli import reading
from llmroute.cli.errors import command

if TYPE_CHECKING:
    from llmroute.attacking import Assault, AttackResult
    from llmroute.records import Config

FALLBACK_JUDGE = "builtin/gullible"
"""Attacked where no judge is named: it needs no key."""


@command
def attack(
    rubric: Annotated[
        str | None,
        typer.Option(
            "--rubric",
            metavar="NAME",
            help="What the judge goes by; default: the configuration's, or correctness.",
            show_default=False,
        ),
    ] = None,
    judge: Annotated[
        list[str] | None,
        typer.Option(
            "--judge",
            metavar="MODEL",
            help="A judge of the configuration or a LiteLLM id; several are a panel. Default: the "
            "configuration's, or builtin/gullible.",
        ),
    ] = None,
    answers: Annotated[
        Path | None,
        typer.Option(
            "--answers",
            metavar="FILE",
            help="Wrong answers to your own samples, JSONL: suite, sample_id, output. Default: "
            "shipped ones.",
        ),
    ] = None,
    suite: Annotated[
        list[str] | None,
        typer.Option("--suite", "-s", metavar="NAME", help="Only answers to it. May repeat."),
    ] = None,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, help="Most wrong answers.")] = 25,
    max_inflation: Annotated[
        float | None,
        typer.Option(
            "--max-inflation",
            metavar="SHARE",
            help="Exit with 1 where attacks win more than this on average, such as 0.1.",
            show_default=False,
        ),
    ] = None,
    max_usd: Annotated[
        float | None,
        typer.Option("--max-usd", metavar="USD", help="Spend no more.", show_default=False),
    ] = None,
    offline: Annotated[
        bool, typer.Option("--offline", help="Send nothing: verdicts from the store only.")
    ] = False,
    yes: Annotated[
        bool, typer.Option("--yes", "-y", help="Don't ask before spending more than confirm_usd.")
    ] = False,
    config: opt.ConfigFile = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the figures as JSON on stdout, nothing else.")
    ] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress.")] = False,
) -> int:
    """Put known attacks around wrong answers and measure how much better they are graded.

    Inflation is the mean score attacked minus the mean score of the same wrong answers plain. A
    judge with more than 10 points must not decide alone. Verdicts are kept in the store: the same
    command again asks only what is missing.
    """
    import os

    from llmroute.attacking import attack_judge, estimate_attack, plan_attack
    from llmroute.cli.bench import must_ask
    from llmroute.cli.plan import confirm
    from llmroute.judges.load import load_rubric
    from llmroute.report.judging.attack import render_attack_json, render_attack_text

    _check_share(max_inflation)
    settings = _settings(reading.read_config(config), max_usd)
    assault = plan_attack(
        settings,
        load_rubric(rubric or settings.judge.rubric or "correctness", root=settings.folder),
        os.environ,
        judges=_judges(judge or [], settings, quiet=quiet or as_json),
        answers_file=answers,
        suites=suite or (),
        limit=limit,
        offline=offline,
    )
    if must_ask(yes) and not confirm(
        estimate_attack(settings, assault), settings.budget.confirm_usd
    ):
        return 0
    with _progress(assault, quiet=quiet) as progress:
        result = attack_judge(settings, assault, env=os.environ, listener=progress, offline=offline)
    render = render_attack_json if as_json else render_attack_text
    typer.echo(render(assault, result), nl=False)
    return _exit_code(result, settings, max_inflation)


# -- what is asked --------------------------------------------------------------------------------


def _check_share(max_inflation: float | None) -> None:
    from llmroute.errors import ConfigError

    if max_inflation is not None and not 0 <= max_inflation <= 1:
        raise ConfigError(
            f"{max_inflation} is no share",
            where="--max-inflation",
            fix="Write a number from 0 to 1: 0.1 is 10 points of 100.",
        )


def _settings(settings: Config, max_usd: float | None) -> Config:
    if max_usd is None:
        return settings
    cap = reading.read_cap(max_usd)
    return replace(settings, budget=replace(settings.budget, max_usd=cap))


def _judges(named: Sequence[str], settings: Config, *, quiet: bool) -> tuple[str, ...]:
    from llmroute.cli.console import say

    if named or settings.judge.models:
        return tuple(named)
    if not quiet:
        say(
            f"No judge is named: attacking {FALLBACK_JUDGE}, a program that obeys all that is not "
            "plainly data. Name yours with --judge."
        )
    return (FALLBACK_JUDGE,)


def _progress(assault: Assault, *, quiet: bool) -> Any:
    from llmroute.cli.progress import RunProgress
    from llmroute.report.amounts import counted

    n_attacks, n_answers = len(assault.attacks), len(assault.wrong)
    what = (
        f"({n_attacks} attacks + 1) × {counted(n_answers, 'wrong answer')}: "
        f"up to {(n_attacks + 1) * n_answers:,} verdicts"
    )
    return RunProgress(quiet=quiet, what=what)


def _exit_code(result: AttackResult, settings: Config, max_inflation: float | None) -> int:
    from llmroute.cli.console import say
    from llmroute.errors import (
        EXIT_BUDGET,
        EXIT_GATE,
        EXIT_INTERRUPTED,
        EXIT_OK,
        EXIT_OUTSIDE,
    )

    n_lost = result.n_planned - len(result.attempts)
    if n_lost:
        say(
            f"{n_lost:,} of {result.n_planned:,} attempts have no verdict. Run the same command "
            "again to ask for these alone."
        )
    if result.interrupted:
        return EXIT_INTERRUPTED
    if result.n_unsent:
        return EXIT_BUDGET
    if result.overall is None or result.coverage < settings.quality.min_coverage:
        return EXIT_OUTSIDE
    over = max_inflation is not None and result.overall.gain.value > max_inflation
    return EXIT_GATE if over else EXIT_OK
