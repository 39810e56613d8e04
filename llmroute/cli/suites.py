"""`llmroute suites`: list, show and lint suites."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from llmroute.cli import options as opt
from llmroute.cli import reading
from llmroute.cli.errors import command

if TYPE_CHECKING:
    from llmroute.records import Sample, Suite
    from llmroute.suites.lint import Finding

app = typer.Typer(help="List, show and lint suites.", no_args_is_help=True)

Files = Annotated[
    list[Path] | None,
    typer.Argument(
        metavar="[FILE]...", help="Suite files; default: the configuration's.", show_default=False
    ),
]


@app.command("list")
@command
def list_suites(files: Files = None, config: opt.ConfigFile = None) -> int:
    """List suites: task, samples, metric, bar."""
    from llmroute.cli.console import print_table

    print_table(
        ("suite", "task", "samples", "metric", "bar", "description"),
        [
            (
                suite.name,
                suite.task,
                str(len(suite.samples)),
                ", ".join(metric.name for metric in suite.metrics) or "judge",
                _bar(suite),
                suite.description,
            )
            for suite in _load(files, config)
        ],
        right=(2,),
    )
    return 0


@app.command("show")
@command
def show(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The suite's name or file.")],
    sample: Annotated[
        str | None, typer.Option("--sample", metavar="ID", help="Show this sample's messages.")
    ] = None,
    config: opt.ConfigFile = None,
) -> int:
    """Show a suite, and what a model is sent for one of its samples."""
    from llmroute.errors import UnknownName

    if Path(name).is_file():
        suite = _load([Path(name)], config)[0]
    else:
        known = {suite.name: suite for suite in _load(None, config)}
        if name not in known:
            raise UnknownName("suite", name, known)
        suite = known[name]
    samples = {one.id: one for one in suite.samples}
    if sample is not None and sample not in samples:
        raise UnknownName("sample", sample, samples, where=suite.name)
    chosen = samples[sample] if sample else suite.samples[0]
    _print_suite(suite)
    _print_messages(suite, chosen)
    return 0


@app.command("lint")
@command
def lint(
    files: Files = None,
    config: opt.ConfigFile = None,
    threshold: opt.Threshold = None,
    allow_code_execution: opt.AllowCodeExecution = False,
) -> int:
    """Prove that suites can decide anything: targets score 1, constant answers don't clear the bar.

    Exits with 2 where an error is found; warnings alone exit with 0.
    """
    from dataclasses import replace

    from llmroute.builtin.floor import measure_floors
    from llmroute.cli.console import say
    from llmroute.report.amounts import counted
    from llmroute.sandbox import code_execution
    from llmroute.suites.lint import lint_suite

    rule = reading.read_config(config).quality
    bar = reading.read_threshold(threshold)
    rule = replace(rule, threshold=bar) if bar else rule
    errors = 0
    with code_execution(allowed=allow_code_execution):
        for suite in _load(files, config):
            floor = measure_floors([suite]).get(suite.task)
            findings = lint_suite(suite, rule, floor_quality=floor)
            errors += sum(finding.level == "error" for finding in findings)
            _print_findings(suite, findings)
    if errors:
        say(counted(errors, "error") + ".")
    return 2 if errors else 0


def _load(files: list[Path] | None, config: Path | None) -> tuple[Suite, ...]:
    from llmroute.suites.load import load_suites

    settings = reading.read_config(config)
    return load_suites(files or settings.suites, judge=settings.judge, root=settings.folder)


def _bar(suite: Suite) -> str:
    bar = suite.quality_threshold
    if bar is None:
        return "the configuration's"
    return f"{bar.value:g}" + (f" of {bar.relative_to}" if bar.relative_to else "")


def _print_suite(suite: Suite) -> None:
    from llmroute.cli.console import show_text

    difficulties = Counter(one.difficulty or "unmarked" for one in suite.samples)
    show_text(f"{suite.name}: {suite.description}")
    show_text(f"task {suite.task}, bar {_bar(suite)}, {len(suite.samples)} samples: ")
    show_text(", ".join(f"{n} {name}" for name, n in difficulties.items()))


def _print_messages(suite: Suite, sample: Sample) -> None:
    from llmroute.cli.console import show_text
    from llmroute.suites.prompt import render_messages

    show_text(f"\nWhat a model is sent for sample {sample.id}:")
    for message in render_messages(suite, sample):
        show_text(f"\n[{message.role}]\n{message.content}")
    show_text(f"\n[target]\n{sample.target}")


def _print_findings(suite: Suite, findings: tuple[Finding, ...]) -> None:
    from llmroute.cli.console import show_text
    from llmroute.report.amounts import counted

    verdict = counted(len(findings), "finding") if findings else "clean"
    show_text(f"{suite.name}: {len(suite.samples)} samples, {verdict}")
    for finding in findings:
        show_text(f"  {finding.level} [{finding.code}] {finding.where}: {finding.what}")
        if finding.fix:
            show_text(f"    {finding.fix}")
