"""`llmroute store`: what is kept, what of it may go, and whether it is whole."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from llmroute.cli import options as opt
from llmroute.cli import reading
from llmroute.cli.errors import command

if TYPE_CHECKING:
    from llmroute.store import Health, Removed

app = typer.Typer(help="Show, prune and verify the store of answers.", no_args_is_help=True)

AsJson = Annotated[bool, typer.Option("--json", help="Print it as JSON on stdout, nothing else.")]


@app.command("stats")
@command
def stats(config: opt.ConfigFile = None, store: opt.Store = None, as_json: AsJson = False) -> int:
    """Show what the store holds: answers by model, failures, attempts, runs, size."""
    from dataclasses import asdict

    from llmroute.cli.console import print_table, show_text
    from llmroute.store import StoreReader

    with StoreReader.open(reading.find_store(config, store)) as reader:
        found, last, path = reader.stats(), reader.last_run(), reader.path
    if as_json:
        run = {"id": last.run_id, "started": last.started, "state": last.state} if last else None
        _print_json({"store": str(path), **asdict(found), "last_run": run})
        return 0
    show_text(f"{path}: {_megabytes(found.size_bytes)}")
    for name in ("answers", "failures", "attempts", "requests", "scores", "suites", "runs"):
        show_text(f"  {getattr(found, name):>9,}  {_MEANING[name]}")
    if last is not None:
        show_text(f"Last run: {last.run_id}, {last.state}")
    if found.answers_by_model:
        show_text("")
        rows = [(model, f"{number:,}") for model, number in found.answers_by_model.items()]
        print_table(("model", "answers"), rows, right=(1,))
    return 0


@app.command("prune")
@command
def prune(
    keep_runs: Annotated[
        int | None,
        typer.Option(
            "--keep-runs", metavar="N", min=1, help="Delete what the last N runs do not use."
        ),
    ] = None,
    older_than: Annotated[
        float | None,
        typer.Option(
            "--older-than",
            metavar="DAYS",
            min=0,
            help="Delete what only runs started before that use.",
        ),
    ] = None,
    candidate: Annotated[
        str | None,
        typer.Option("--candidate", metavar="NAME", help="Delete this candidate's answers only."),
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do it; without, only say what.")] = False,
    config: opt.ConfigFile = None,
    store: opt.Store = None,
    as_json: AsJson = False,
) -> int:
    """Delete answers no longer needed, and give their room back. What the last run uses stays.

    Without --yes it only says what would go.
    """
    from dataclasses import asdict
    from datetime import UTC, datetime

    from llmroute.cli.console import say
    from llmroute.plan.obsolete import find_obsolete
    from llmroute.store import StoreReader, StoreWriter

    path = reading.find_store(config, store)
    StoreReader.open(path).close()  # says that there is none; the writer would make one
    with StoreWriter.open(path, command="llmroute store prune") as writer:
        with StoreReader.open(path) as reader:
            before = reader.stats().size_bytes
            gone = find_obsolete(
                reader,
                now=datetime.now(UTC),
                older_than_days=older_than,
                keep_runs=keep_runs,
                candidate=candidate,
            )
        removed = writer.prune(gone.calls, gone.runs, gone.suites, rehearse=not yes)
        with StoreReader.open(path) as reader:
            after = reader.stats().size_bytes
    if as_json:
        _print_json({"deleted": yes, **asdict(removed), "size_bytes": after})
        return 0
    _print_removed(removed, deleted=yes)
    if yes:
        say(f"The store is {_megabytes(after)} now; it was {_megabytes(before)}.")
    elif removed:
        say("Nothing was deleted. Add --yes to do it.")
    return 0


@app.command("verify")
@command
def verify(
    salvage: Annotated[
        Path | None,
        typer.Option(
            "--salvage", metavar="FILE", help="Copy all that can be read into this new store."
        ),
    ] = None,
    config: opt.ConfigFile = None,
    store: opt.Store = None,
    as_json: AsJson = False,
) -> int:
    """Check that the store is whole; name the damage, and what can be saved.

    The store itself is not written to. Exits with 3 where it is damaged and nothing was salvaged.
    """
    from dataclasses import asdict

    from llmroute.errors import EXIT_OUTSIDE
    from llmroute.store import salvage_store, verify_store

    path = reading.find_store(config, store)
    health = verify_store(path) if salvage is None else salvage_store(path, salvage)
    if as_json:
        _print_json({"store": str(path), "whole": not health.problems, **asdict(health)})
    else:
        _print_health(path, health)
        if salvage is not None:
            _say_salvaged(health, salvage)
    return EXIT_OUTSIDE if health.problems and salvage is None else 0


def _print_removed(removed: Removed, *, deleted: bool) -> None:
    from llmroute.cli.console import show_text

    if not removed:
        show_text("There is nothing to delete.")
        return
    show_text("Deleted:" if deleted else "Would be deleted:")
    for name in ("answers", "failures", "attempts", "requests", "scores", "suites", "runs"):
        show_text(f"  {getattr(removed, name):>9,}  {_MEANING[name]}")


def _print_health(path: Path, health: Health) -> None:
    from llmroute.cli.console import print_table, say, show_text

    if not health.problems:
        show_text(f"{path}: whole, {health.answers:,} answers")
        return
    show_text(f"{path}: damaged")
    for problem in health.problems:
        show_text(f"  {problem}")
    show_text("\nWhat can be read:")
    rows = [(table.name, f"{table.readable:,}", _lost(table.lost)) for table in health.tables]
    print_table(("table", "readable", "lost"), rows, right=(1, 2))
    say(
        f"{health.answers:,} answers can be saved: "
        "llmroute store verify --salvage FILE copies them into a new store."
        if health.answers
        else "No answer can be saved. Move the file away and run the bench again; answers kept "
        "with `bench --record` can be replayed without paying for them."
    )


def _say_salvaged(health: Health, target: Path) -> None:
    from llmroute.cli.console import say

    say(
        f"{health.answers:,} answers are in {target}. Move it to where the damaged store was, "
        "without the old '-wal' and '-shm' files, and run the same bench again."
    )


def _lost(number: int | None) -> str:
    return "some" if number is None else f"{number:,}"


def _megabytes(size_bytes: int) -> str:
    return f"{size_bytes / 1e6:,.1f} MB"


def _print_json(content: dict[str, Any]) -> None:
    import json

    typer.echo(json.dumps({"version": 1, **content}, indent=2))


_MEANING = {
    "answers": "answers",
    "failures": "calls without an answer",
    "attempts": "failed attempts",
    "requests": "different prompts",
    "scores": "scores",
    "suites": "suites",
    "runs": "runs",
}
