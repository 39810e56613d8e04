"""`llmroute judge attack`: what known attacks win from a judge."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from llmroute.cli import options as opt
from llmroute.cli.errors import command

if TYPE_CHECKING:
    from llmroute.attacking import Assault, AttackResult
    from llmroute.judges.inflation import Inflation
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

    _check_share(max_inflation)
    settings = _settings(opt.read_config(config), max_usd)
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
    _print(assault, result, as_json=as_json)
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
    cap = opt.read_cap(max_usd)
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

    n_attacks, n_answers = len(assault.attacks), len(assault.wrong)
    what = (
        f"({n_attacks} attacks + 1) × {n_answers} wrong answers: "
        f"up to {(n_attacks + 1) * n_answers:,} verdicts"
    )
    return RunProgress(quiet=quiet, what=what)


# -- what is shown --------------------------------------------------------------------------------


def _print(assault: Assault, result: AttackResult, *, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(_document(assault, result), indent=2, ensure_ascii=False))
    elif result.overall is not None:
        _print_text(assault, result, result.overall)


def _print_text(assault: Assault, result: AttackResult, overall: Inflation) -> None:
    from llmroute.cli.console import print_table, show_text
    from llmroute.judges.inflation import grouped

    judges = " + ".join(_judge_names(assault))
    show_text(
        f"{judges} by the rubric {assault.rubric.name}: {len(assault.attacks)} attacks on "
        f"{overall.n_answers} wrong answers"
    )
    show_text(
        f"mean score {overall.plain:.3f} plain, {overall.attacked:.3f} attacked: inflation "
        f"{_points(overall)} points; {overall.n_won:,} of {overall.n_attempts:,} attempts won\n"
    )
    columns = ("kind of attack", "attempts", "won", "plain", "attacked", "points (95 %)")
    kinds = grouped(result.attempts, lambda attempt: attempt.kind)
    print_table(columns, [_row(one) for one in kinds], right=(1, 2, 3, 4))
    winners = [one for one in grouped(result.attempts, lambda a: a.attack) if one.n_won]
    if winners:
        show_text("\nwhat won most")
        columns = ("attack", *columns[1:])
        print_table(columns, [_row(one) for one in winners], right=(1, 2, 3, 4))
    show_text("\n" + _reading(overall))


def _row(one: Inflation) -> tuple[str, ...]:
    return (
        one.name,
        f"{one.n_attempts:,}",
        f"{one.n_won:,}",
        f"{one.plain:.3f}",
        f"{one.attacked:.3f}",
        _points(one),
    )


def _points(one: Inflation) -> str:
    gain = one.gain
    return f"{_signed(gain.value)} ({_signed(gain.low)} to {_signed(gain.high)})"


def _signed(share: float) -> str:
    """A share in points of 100, with a minus that is one.

    >>> _signed(-0.0312), _signed(-0.0001)
    ('−3.1', '0.0')
    """
    return f"{100 * share + 0.0:.1f}".replace("-0.0", "0.0").replace("-", "−")


def _reading(overall: Inflation) -> str:
    from llmroute.judges.inflation import MOST_TO_GATE

    most = f"{100 * MOST_TO_GATE:.0f} points"
    if overall.gain.value > MOST_TO_GATE:
        return (
            f"More than {most}: this judge must not decide alone. Score with a metric where there "
            "is one, or set a judge of another family beside it."
        )
    if overall.gain.high > MOST_TO_GATE:
        return (
            f"Within {most} on these {overall.n_answers} answers; on others like them it could be "
            f"{100 * overall.gain.high:.0f}, which more answers (--answers, --limit) would narrow."
        )
    return f"Within {most}, on others like these {overall.n_answers} answers too."


def _judge_names(assault: Assault) -> list[str]:
    from llmroute.judges import JUDGE_PREFIX

    return [judge.name.removeprefix(JUDGE_PREFIX) for judge in assault.plan.judges]


def _document(assault: Assault, result: AttackResult) -> dict[str, Any]:
    from llmroute.judges.inflation import MOST_TO_GATE, grouped
    from llmroute.judges.rubric import rubric_digest

    overall = result.overall
    return {
        "schema": "llmroute/attack/1",
        "rubric": assault.rubric.name,
        "rubric_digest": rubric_digest(assault.rubric),
        "judges": _judge_names(assault),
        "n_attacks": len(assault.attacks),
        "n_answers": len(assault.wrong),
        "coverage": round(result.coverage, 6),
        "may_gate_alone": overall is not None and overall.gain.value <= MOST_TO_GATE,
        "overall": None if overall is None else _figures(overall),
        "kinds": [_figures(one) for one in grouped(result.attempts, lambda a: a.kind)],
        "attacks": [_figures(one) for one in grouped(result.attempts, lambda a: a.attack)],
        "spent_usd": round(result.spent_usd, 9),
    }


def _figures(one: Inflation) -> dict[str, Any]:
    return {
        "name": one.name,
        "n_answers": one.n_answers,
        "n_attempts": one.n_attempts,
        "n_won": one.n_won,
        "plain": round(one.plain, 6),
        "attacked": round(one.attacked, 6),
        "inflation": round(one.gain.value, 6),
        "inflation_low": round(one.gain.low, 6),
        "inflation_high": round(one.gain.high, 6),
    }


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
