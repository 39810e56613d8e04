"""`llmroute ab assign`: which arm a key is in."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any

import typer

from llmroute.cli.ab_options import AsJson
from llmroute.cli.errors import command


@command
def assign(
    salt: Annotated[
        str, typer.Option("--salt", metavar="TEXT", help="The experiment's name, without ':'.")
    ],
    share: Annotated[
        float, typer.Option("--share", metavar="SHARE", help="Of the keys that are treated.")
    ],
    key: Annotated[
        str | None,
        typer.Option("--key", metavar="KEY", help="A user's id; without it, JSONL on stdin."),
    ] = None,
    key_field: Annotated[
        str, typer.Option("--key-field", metavar="NAME", help="Of the JSONL: where the key is.")
    ] = "key",
    arm_field: Annotated[
        str, typer.Option("--arm-field", metavar="NAME", help="Of the JSONL: where the arm goes.")
    ] = "arm",
    as_json: AsJson = False,
) -> int:
    """Say which arm a key is in: by a hash, so the same everywhere and for ever.

    With JSONL on stdin every object comes back with its arm. A greater share
    only adds keys to the treatment; another salt is an independent draw.
    docs/ab.md has the hash in other languages.
    """
    import json

    from llmroute.ab.assign import assign as arm_of
    from llmroute.ab.assign import point

    if key is not None:
        arm, at = arm_of(key, salt=salt, share=share), point(key, salt=salt)
        said = {"schema": "llmroute/ab-assign/1", "key": key, "salt": salt, "share": share,
                "point": at, "arm": arm}  # fmt: skip
        typer.echo(json.dumps(said) if as_json else arm)
        return 0
    arm_of("any", salt=salt, share=share)  # says what is wrong before it waits for input
    for where, entry in _stdin_objects():
        arm = arm_of(_key(entry, key_field, where), salt=salt, share=share)
        _check_free(entry, arm_field, where)
        typer.echo(json.dumps({**entry, arm_field: arm}, ensure_ascii=False))
    return 0


def _stdin_objects() -> Iterator[tuple[str, dict[str, Any]]]:
    """The objects on stdin, one a line.

    Raises:
        LogFormatError: a line is no JSON object, or there is none.
    """
    from llmroute.cli.stdin import read_objects
    from llmroute.errors import LogFormatError

    where = None
    for where, entry in read_objects():
        yield where, entry
    if where is None:
        raise LogFormatError(
            "there is neither a key nor a line", where="stdin", fix="Name --key, or pipe JSONL in."
        )


def _key(entry: dict[str, Any], name: str, where: str) -> str:
    from llmroute.errors import LogFormatError
    from llmroute.logs.values import find_field

    value = find_field(entry, name)
    if isinstance(value, str | int) and not isinstance(value, bool) and value != "":
        return str(value)
    raise LogFormatError(
        f"there is no key under {name!r}", where=where, fix="Name the field: --key-field user."
    )


def _check_free(entry: dict[str, Any], name: str, where: str) -> None:
    from llmroute.errors import LogFormatError

    if name in entry:
        raise LogFormatError(
            f"{name!r} holds {str(entry[name])[:40]!r} already",
            where=where,
            fix="Name another field for the arm: --arm-field NAME.",
        )
