"""`llmroute schema`: the JSON Schemas of the files a person writes and llmroute writes."""

from __future__ import annotations

from typing import Annotated

import typer

from llmroute.cli.errors import command


@command
def schema(
    name: Annotated[str, typer.Argument(metavar="NAME", help="config, suite, judge or map.")],
) -> int:
    """Print a JSON Schema, for editors and other tools."""
    import json

    from llmroute.config.json_schemas import json_schema

    typer.echo(json.dumps(json_schema(name), indent=2, ensure_ascii=False))
    return 0
