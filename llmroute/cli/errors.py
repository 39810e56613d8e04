"""The edge where exceptions become messages and exit codes."""

from __future__ import annotations

import functools
import os
import sys
import traceback
from collections.abc import Callable
from typing import ParamSpec

import typer

from llmroute.errors import EXIT_BUG, EXIT_INTERRUPTED, EXIT_OUTSIDE, LlmrouteError

P = ParamSpec("P")

DEBUG_VARIABLE = "LLMROUTE_DEBUG"


def command(function: Callable[P, int]) -> Callable[P, None]:
    """A command from a function that returns its exit code.

    Errors raised on purpose end with their message and exit code; anything else is a bug of ours
    and ends with 70, so that a crash never reads as "the gate says no" (1).
    """

    @functools.wraps(function)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        raise typer.Exit(_exit_code(lambda: function(*args, **kwargs)))

    return run


def _exit_code(function: Callable[[], int]) -> int:
    try:
        return function()
    except LlmrouteError as error:
        _say(f"Error: {error}")
        _debug()
        return error.exit_code
    except KeyboardInterrupt:
        _say("Interrupted: nothing that was answered is lost. Run the same command again to go on.")
        return EXIT_INTERRUPTED
    except BrokenPipeError:
        # The reader of our output has gone (`llmroute ... | head`): nothing is wrong. Python would
        # complain once more while it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:
        place = f"{error.filename}: " if error.filename else ""
        _say(f"Error: {place}{error.strerror or error}")
        _debug()
        return EXIT_OUTSIDE
    except typer.Exit as done:
        return int(done.exit_code)
    except Exception as error:  # noqa: BLE001 - the last place that can say it in words
        _say(
            f"Error: this is a bug in llmroute: {type(error).__name__}: {error}\n"
            f"Nothing that was answered is lost. Run it again with {DEBUG_VARIABLE}=1 "
            "to see where, and please report it."
        )
        _debug()
        return EXIT_BUG


def _say(message: str) -> None:
    """To stderr, with what a terminal or a CI log would obey made visible and secrets taken out."""
    from llmroute.calls.redact import redact, secrets_in
    from llmroute.report.sanitize import loggable

    typer.echo(loggable(redact(message, secrets_in(os.environ))), err=True)


def _debug() -> None:
    if os.environ.get(DEBUG_VARIABLE):
        _say(traceback.format_exc())
