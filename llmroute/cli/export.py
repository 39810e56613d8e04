"""`llmroute export`: the routing map as another program's configuration."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated

import typer

from llmroute.cli import options as opt
from llmroute.cli.errors import command

MapFile = Annotated[
    Path | None,
    typer.Option(
        "--map",
        "-m",
        metavar="FILE",
        help="The routing map; default: routing-map.yaml in the configuration's out folder.",
        show_default=False,
    ),
]
Models = Annotated[
    list[str] | None,
    typer.Option(
        "--model",
        metavar="CANDIDATE=ID",
        help="A candidate's id at the gateway, where the map does not say it. May repeat.",
    ),
]


@command
def export(
    name: Annotated[
        str | None,
        typer.Argument(metavar="NAME", help="Which form; --list shows all.", show_default=False),
    ] = None,
    routing_map: MapFile = None,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FILE", help="Where it goes; default: stdout."),
    ] = None,
    models: Models = None,
    hook: Annotated[
        bool, typer.Option("--hook", help="litellm: let the map decide inside the proxy.")
    ] = False,
    list_all: Annotated[bool, typer.Option("--list", help="List the forms and stop.")] = False,
    config: opt.ConfigFile = None,
) -> int:
    """Write the routing map as a gateway's configuration, which says what it cannot carry.

    Keys are never written: the file names the environment variables that hold them.
    """
    from llmroute.errors import ConfigError
    from llmroute.exporters import EXPORTERS
    from llmroute.routing_map.file import read_map

    if list_all:
        return _list()
    if name is None:
        raise ConfigError("no form is named", fix="Name one; llmroute export --list shows all.")
    EXPORTERS.load(name)  # a typo is told before a missing map
    place = find_map(routing_map, config)
    params = {"models": read_models(models or ()), "hook": str(place.resolve()) if hook else ""}
    exporter = EXPORTERS.build(name, {key: value for key, value in params.items() if value})
    _write(exporter.render(read_map(place)), output)
    return 0


def find_map(path: Path | None, config: Path | None) -> Path:
    """The map named, or the one in the configuration's out folder.

    Raises:
        InputError: there is no such file.
    """
    from llmroute.cli.outputs import MAP_FILE
    from llmroute.errors import InputError

    place = path or opt.read_config(config).out / MAP_FILE
    if not place.is_file():
        raise InputError(
            "there is no routing map here",
            where=str(place),
            fix="Make one (llmroute bench, llmroute map --out FOLDER), or name it: --map FILE.",
        )
    return place


def read_models(pairs: Sequence[str]) -> Mapping[str, str]:
    """Candidate → id, as `--model CANDIDATE=ID` says them.

    Raises:
        ConfigError: one of them is not of that form.

    >>> read_models(["small=openai/gpt-5.4-nano"])
    {'small': 'openai/gpt-5.4-nano'}
    """
    from llmroute.errors import ConfigError

    named = {}
    for pair in pairs:
        candidate, _, model = pair.rpartition("=")
        if not (candidate and model):
            raise ConfigError(
                f"{pair!r} names no candidate and its id",
                where="--model",
                fix="Write it like --model small=openai/gpt-5.4-nano",
            )
        named[candidate] = model
    return named


def _list() -> int:
    from llmroute.cli.console import print_table
    from llmroute.exporters import EXPORTERS

    lines = ((EXPORTERS.load(name).__doc__ or "").partition("\n")[0] for name in EXPORTERS.names())
    print_table(("name", "writes"), list(zip(EXPORTERS.names(), lines, strict=True)))
    return 0


def _write(text: str, output: Path | None) -> None:
    from llmroute.cli.console import say
    from llmroute.files import atomic_write

    if output is None:
        typer.echo(text, nl=False)
        return
    atomic_write(output, text)
    say(f"Wrote {output}")
