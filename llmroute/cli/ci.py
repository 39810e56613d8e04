"""`llmroute ci`: what a CI job tells beside files and exit codes."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from llmroute.cli.errors import command

app = typer.Typer(help="Tell a pull request what the gate said.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    """Tell a pull request what the gate said."""


@app.command("comment")
@command
def comment(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="Markdown of `llmroute check -o check.md`.")
    ],
) -> int:
    """Put the file on the pull request this GitHub Actions job runs for, as its one comment.

    The comment an earlier run wrote is replaced. Needs GITHUB_TOKEN with `pull-requests: write`;
    for other events than pull requests it says so and does nothing.
    """
    import os

    from llmroute.ci.github import PullRequest
    from llmroute.cli.console import say
    from llmroute.config.source import read_text
    from llmroute.report.gate.markdown import MARKER

    body = read_text(file)
    pull_request = PullRequest.of_job(os.environ)
    if pull_request is None:
        say("This job is not for a pull request: there is nothing to comment on.")
        return 0
    text = body if body.startswith(MARKER) else f"{MARKER}\n{body}"
    address = pull_request.put_comment(text, MARKER)
    say(f"Commented on pull request {pull_request.number}: {address}")
    return 0
