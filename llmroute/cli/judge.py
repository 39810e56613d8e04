"""`llmroute judge`: rubrics, and how far a judge that goes by them can be trusted."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from llmroute.cli import judge_agree, judge_attack, reading
from llmroute.cli import options as opt
from llmroute.cli.errors import command

if TYPE_CHECKING:
    from llmroute.records import Criterion, Rubric

app = typer.Typer(help="Rubrics, and how far a judge can be trusted.", no_args_is_help=True)
app.command("agree")(judge_agree.agree)
app.command("attack")(judge_attack.attack)

RubricName = Annotated[str, typer.Argument(metavar="NAME", help="A rubric's name, or its file.")]


@app.command("list")
@command
def list_rubrics(config: opt.ConfigFile = None) -> int:
    """List rubrics: the project's own, in judges/, and those that ship."""
    from llmroute.cli.console import print_table
    from llmroute.judges.load import find_rubrics, read_rubric

    rubrics = [read_rubric(path) for path in find_rubrics(_root(config)).values()]
    print_table(
        ("rubric", "criteria", "sees", "description"),
        [
            (
                rubric.name,
                ", ".join(criterion.name for criterion in rubric.criteria),
                _sees(rubric),
                rubric.description,
            )
            for rubric in rubrics
        ],
    )
    return 0


@app.command("show")
@command
def show(name: RubricName, config: opt.ConfigFile = None) -> int:
    """Show a rubric, and what a judge is sent for an answer."""
    from llmroute.cli.console import show_text
    from llmroute.judges.load import load_rubric
    from llmroute.judges.prompt import judge_messages, judge_nonce
    from llmroute.judges.rubric import rubric_digest
    from llmroute.records import Sample

    rubric = load_rubric(name, root=_root(config))
    show_text(f"{rubric.name}: {rubric.description}")
    show_text(f"sees {_sees(rubric)}; digest {rubric_digest(rubric)[:12]}")
    for criterion in rubric.criteria:
        show_text(_criterion(criterion))
    example = "The answer, whatever it says."
    fields = {field: f"The sample's {field}." for field in rubric.fields}
    sample = Sample("example", "", target="The sample's target.", fields=fields)
    nonce = judge_nonce(rubric, sample, example)
    show_text("\nWhat a judge is sent:")
    for message in judge_messages(rubric, sample, "What was asked.", example, nonce=nonce):
        show_text(f"\n[{message.role}]\n{message.content}")
    return 0


def _root(config: Path | None) -> Path:
    return reading.read_config(config).folder


def _sees(rubric: Rubric) -> str:
    return ", ".join(["answer", *(["target"] if rubric.uses_target else []), *rubric.fields])


def _criterion(criterion: Criterion) -> str:
    levels = ", ".join(f"{level.label} = {level.value:g}" for level in criterion.levels)
    return f"  {criterion.name} (weight {criterion.weight:g}): {criterion.question} [{levels}]"
