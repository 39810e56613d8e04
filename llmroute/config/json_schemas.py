"""The models of the files a person writes → JSON Schemas for editors.

`python -m llmroute.config.json_schemas` writes them into the checkout's `schemas/`.
"""

from __future__ import annotations

import json
from importlib import import_module
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from llmroute.errors import UnknownName
from llmroute.files import atomic_write

SCHEMAS: dict[str, str] = {
    "config": "llmroute.config.schema:ConfigFile",
    "judge": "llmroute.judges.schema:RubricFile",
    "map": "llmroute.routing_map.schema:RoutingMapFile",
    "suite": "llmroute.suites.schema:SuiteFile",
}
"""Name → the model of the file, as "module:Model"."""
DIALECT = "https://json-schema.org/draft/2020-12/schema"


def json_schema(name: str) -> dict[str, Any]:
    """The JSON Schema of one kind of file.

    Raises:
        UnknownName: no such kind; the message proposes the closest.
    """
    target = SCHEMAS.get(name)
    if target is None:
        raise UnknownName("schema", name, SCHEMAS)
    module, _, attribute = target.partition(":")
    model: type[BaseModel] = getattr(import_module(module), attribute)
    return {"$schema": DIALECT, **model.model_json_schema()}


def schema_text(name: str) -> str:
    """The JSON Schema as it stands in `schemas/NAME.schema.json`."""
    return json.dumps(json_schema(name), indent=2, ensure_ascii=False) + "\n"


def write_schemas(folder: Path) -> tuple[Path, ...]:
    """Every schema, written into the folder; the paths."""
    paths = tuple(folder / f"{name}.schema.json" for name in sorted(SCHEMAS))
    for name, path in zip(sorted(SCHEMAS), paths, strict=True):
        atomic_write(path, schema_text(name))
    return paths


if __name__ == "__main__":
    write_schemas(Path(__file__).resolve().parents[2] / "schemas")
