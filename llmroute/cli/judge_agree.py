"""`llmroute judge agree`: judges beside people, or a sample for people to label."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from llmroute.cli import options as opt
from llmroute.cli import reading
from llmroute.cli.errors import command

if TYPE_CHECKING:
    from llmroute.deciding import Result
    from llmroute.judges.assess import TaskAgreement
    from llmroute.judges.labels import LevelsOf
    from llmroute.judges.sample import ToLabel


@command
def agree(
    labels: Annotated[
        list[Path] | None,
        typer.Option(
            "--labels",
            "-l",
            metavar="FILE",
            help="People's labels, CSV or JSONL: task, sample_id, candidate, rater, score; or "
            "first, second, winner; `judge` may hold a verdict. May repeat.",
        ),
    ] = None,
    sample: Annotated[
        int | None,
        typer.Option(
            "--sample",
            metavar="N",
            min=1,
            help="Draw N answers a task for people to label, into the file -o names.",
            show_default=False,
        ),
    ] = None,
    data: Annotated[
        list[Path] | None,
        opt.data(help="Judged outcomes as JSONL instead of the store. May repeat."),
    ] = None,
    run: opt.Run = None,
    task: Annotated[
        list[str] | None, typer.Option("--task", metavar="NAME", help="Only this task. May repeat.")
    ] = None,
    judge: Annotated[
        list[str] | None,
        typer.Option("--judge", metavar="NAME", help="Only this judge. May repeat."),
    ] = None,
    rubric: Annotated[
        str | None,
        typer.Option("--rubric", metavar="NAME", help="Whose levels the labels are written in."),
    ] = None,
    reference: opt.Reference = None,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Of the draws.")] = 0,
    config: opt.ConfigFile = None,
    store: opt.Store = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            metavar="FILE",
            help="With --labels: .md or .json. With --sample: .csv or .jsonl.",
        ),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the figures as JSON on stdout, nothing else.")
    ] = False,
) -> int:
    """Set recorded verdicts of judges beside people's labels; no call is made.

    Prints accuracy, Cohen's κ, weighted κ and Krippendorff's α with 95 % intervals, beside what
    people reach among themselves. Without labels, --sample draws the answers to label first.
    """
    from llmroute.agreeing import agree as set_beside
    from llmroute.agreeing import draw_labels

    _check_together(labels, sample, output)
    chosen = tuple(task or ())
    if sample is not None:
        result = _result(data, run, config, store, reference)
        return _write_sample(draw_labels(result, sample, tasks=chosen, seed=seed), output)
    files = labels or []
    found = _result_if_any(data, run, config, store, reference, files)
    agreements = set_beside(
        files,
        found,
        where=_where(data, run, config, store),
        tasks=chosen,
        judges=judge or (),
        levels=_levels(rubric, config, found),
        seed=seed,
    )
    return _show(agreements, output, as_json=as_json)


def _check_together(labels: list[Path] | None, sample: int | None, output: Path | None) -> None:
    from llmroute.errors import ConfigError

    if labels and sample is not None:
        raise ConfigError(
            "--sample draws what is not labelled yet, and --labels reads what is",
            fix="Leave one of them out.",
        )
    if not labels and sample is None:
        raise ConfigError(
            "there are no labels to set judges beside",
            fix="Name a file of them: --labels FILE; or draw answers to label: "
            "--sample 100 -o labels.csv.",
        )
    if sample is not None and output is None:
        raise ConfigError("a sample goes into a file", fix="Name it: -o labels.csv.")
    suffixes = (".md", ".json") if labels else (".csv", ".jsonl")
    if output is not None and output.suffix not in suffixes:
        raise ConfigError(
            f"{output.name!r} does not end in {' or '.join(suffixes)}",
            where="--output",
            fix="Name the file by what it should hold.",
        )


# -- where verdicts come from ---------------------------------------------------------------------


def _result(
    data: list[Path] | None,
    run: str | None,
    config: Path | None,
    store: Path | None,
    reference: str | None,
) -> Result:
    from llmroute.deciding import Decision
    from llmroute.pipeline import map_outcomes, remap

    decision = Decision(reference=reference)
    if data:
        return map_outcomes(data, decision)
    return remap(reading.find_store(config, store), run_id=run, decision=decision)


def _result_if_any(
    data: list[Path] | None,
    run: str | None,
    config: Path | None,
    store: Path | None,
    reference: str | None,
    files: list[Path],
) -> Result | None:
    """The named run or outcomes; of the store's last run only what the labels do not hold."""
    from llmroute.judges.labels import hold_verdicts

    named = data or run or store or config
    if not named and (hold_verdicts(files) or not reading.find_store(config, store).exists()):
        return None
    return _result(data, run, config, store, reference)


def _where(
    data: list[Path] | None, run: str | None, config: Path | None, store: Path | None
) -> str:
    if data:
        return ", ".join(str(path) for path in data)
    return f"{reading.find_store(config, store)}, {f'run {run}' if run else 'its last run'}"


def _levels(rubric: str | None, config: Path | None, result: Result | None) -> LevelsOf:
    """The levels of the rubric that is named, else of those the run was judged by."""
    from llmroute.judges.labels import shared_levels
    from llmroute.judges.load import load_rubric

    if rubric is not None:
        levels = shared_levels(load_rubric(rubric, root=reading.read_config(config).folder))
        return lambda _task: levels
    uses = result.judging if result is not None else {}
    known = {task: shared_levels(use.rubric) for task, use in uses.items()}
    return lambda task: known.get(task, {})


# -- what is written ------------------------------------------------------------------------------


def _write_sample(sample: tuple[ToLabel, ...], output: Path | None) -> int:
    from llmroute.cli.console import say
    from llmroute.files import atomic_write
    from llmroute.report.amounts import counted
    from llmroute.report.judging.to_label import render_to_label

    assert output is not None  # noqa: S101 - checked at the door
    atomic_write(output, render_to_label(sample, as_csv=output.suffix == ".csv"))
    say(
        f"Wrote {output}: {counted(len(sample), 'answer')} to label. Fill in 'score' (0 to 1, or a "
        "level of the rubric; 'winner' is first, second or tie) and 'rater', and give 20 of them "
        f"to a second person. Then: llmroute judge agree --labels {output}"
    )
    return 0


def _show(agreements: tuple[TaskAgreement, ...], output: Path | None, *, as_json: bool) -> int:
    from llmroute.cli.console import say
    from llmroute.files import atomic_write
    from llmroute.report.judging.agreement import (
        render_agreement_json,
        render_agreement_markdown,
        render_agreement_text,
    )

    if output is not None:
        render = render_agreement_json if output.suffix == ".json" else render_agreement_markdown
        atomic_write(output, render(agreements))
        say(f"Wrote {output}")
    text = render_agreement_json(agreements) if as_json else render_agreement_text(agreements)
    typer.echo(text, nl=False)
    return 0
