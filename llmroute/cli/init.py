"""`llmroute init`: a first configuration and suite from what is already there."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from llmroute.cli.errors import command


@command
def init(
    folder: Annotated[
        Path, typer.Argument(metavar="[FOLDER]", help="Where the files go.", show_default=False)
    ] = Path(),
    probe: Annotated[
        bool,
        typer.Option("--probe/--no-probe", help="Look for Ollama, vLLM, llama.cpp on loopback."),
    ] = True,
) -> int:
    """Write llmroute.yaml and a starter suite for the keys and local servers found here.

    Existing files are never overwritten. Keys are looked for by name; their values are not read.
    """
    import os

    from llmroute.calls.keys import key_variables
    from llmroute.calls.prices import list_price
    from llmroute.cli.console import say, show_text
    from llmroute.starter.detect import find_keys, find_servers
    from llmroute.starter.write import choose_candidates, config_text, suite_text

    keys = find_keys(os.environ, key_variables())
    servers = find_servers() if probe else ()
    choice = choose_candidates(keys, servers, lambda model: list_price(model) is not None)
    say(f"Keys found: {', '.join(keys.values()) or 'none'}")
    say(f"Local servers found: {', '.join(server.program for server in servers) or 'none'}")
    _write(folder / "llmroute.yaml", config_text(choice))
    _write(folder / "suites" / "my_task.yaml", suite_text())
    _write_schemas(folder / ".llmroute")
    if not keys and not servers:
        say(
            "Set a provider's key (such as OPENAI_API_KEY) and add its models under `candidates:`, "
            "or start Ollama; until then the builtin program is the only candidate."
        )
    show_text("Next: llmroute suites lint, then llmroute bench --limit 5")
    return 0


def _write(path: Path, text: str) -> None:
    from llmroute.cli.console import say
    from llmroute.files import atomic_write

    if path.exists():
        say(f"{path} exists and stays as it is")
        return
    _make_folder(path.parent)
    atomic_write(path, text)
    say(f"Wrote {path}")


def _write_schemas(folder: Path) -> None:
    """The schemas an editor completes and checks the YAML files with."""
    from llmroute.config.json_schemas import schema_text
    from llmroute.files import atomic_write

    _make_folder(folder)
    for name in ("config", "judge", "suite"):
        atomic_write(folder / f"{name}.schema.json", schema_text(name))


def _make_folder(folder: Path) -> None:
    from llmroute.files import file_error

    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise file_error(error, folder) from error
