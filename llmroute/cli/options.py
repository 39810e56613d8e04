"""Options that several commands share; `reading.py` makes values of them."""

from __future__ import annotations

from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    pass


class EvidenceOption(StrEnum):
    """How sure a route must be."""

    proven = "proven"
    likely = "likely"
    mean = "mean"


ConfigFile = Annotated[
    Path | None,
    typer.Option(
        "--config",
        "-c",
        metavar="FILE",
        help="The configuration; default: llmroute.yaml here or in a folder above.",
        show_default=False,
    ),
]
Threshold = Annotated[
    str | None,
    typer.Option(
        "--threshold",
        "-t",
        metavar="BAR",
        help="Quality bar of every task: 0.85, of_best:0.9 or of_reference:0.95.",
    ),
]
EvidenceRule = Annotated[
    EvidenceOption | None,
    typer.Option("--evidence", help="How sure a route must be; mean is the naive rule."),
]
Confidence = Annotated[
    float | None,
    typer.Option("--confidence", help="Of the bounds, between 0.5 and 1.", show_default=False),
]
Reference = Annotated[
    str | None,
    typer.Option(
        "--reference", metavar="NAME", help="What is paid for today; savings are against it."
    ),
]
Out = Annotated[
    Path | None,
    typer.Option(
        "--out", metavar="FOLDER", help="Where the map and the report go.", show_default=False
    ),
]
Template = Annotated[
    Path | None,
    typer.Option(
        "--template",
        metavar="FOLDER",
        exists=True,
        file_okay=False,
        help="Templates that replace the shipped ones, file by file; default: reports/ beside"
        " llmroute.yaml, where there is one.",
    ),
]

Output = Annotated[
    list[Path] | None,
    typer.Option(
        "--output",
        "-o",
        metavar="FILE",
        help="A further file, its form by its suffix: .md .csv .json .junit.xml .html .yaml .env "
        ".jsonl. May repeat.",
    ),
]
AsJson = Annotated[
    bool, typer.Option("--json", help="Print the routing map as JSON on stdout, nothing else.")
]
PriceFile = Annotated[
    Path | None,
    typer.Option(
        "--prices",
        metavar="FILE",
        help="CSV with model,input_usd_per_1m,output_usd_per_1m; replaces known prices.",
    ),
]
Labels = Annotated[
    list[Path] | None,
    typer.Option(
        "--labels",
        "-l",
        metavar="FILE",
        help="People's labels, CSV or JSONL, that correct a judge's scores; replaces the "
        "configuration's. May repeat.",
    ),
]
VolumeOption = Annotated[
    str | None,
    typer.Option(
        "--volume", metavar="N/month|day", help="Carry the saving over to so many requests."
    ),
]
Store = Annotated[
    Path | None,
    typer.Option("--store", metavar="FILE", help="The store; default: the configuration's."),
]
Run = Annotated[
    str | None, typer.Option("--run", metavar="ID", help="Which run; default: the last.")
]

# One option each, whose default is another in each command: `help` says which.
data = partial(typer.Option, "--data", "-d", metavar="FILE")
weak = partial(typer.Option, "--weak", metavar="NAME")
strong = partial(typer.Option, "--strong", metavar="NAME")
target_strong = partial(typer.Option, "--target-strong", metavar="SHARE")
Data = Annotated[
    list[Path] | None,
    data(help="Outcomes as JSONL, plain or gzipped, instead of the store. May repeat."),
]

Log = Annotated[
    list[Path],
    typer.Option(
        "--log",
        metavar="FILE",
        help="Logged requests: JSONL or JSON, plain or gzipped. May repeat.",
    ),
]
LogFormat = Annotated[
    str,
    typer.Option(
        "--format", metavar="auto|FORM", help="The log's form: litellm, llmroute or openai."
    ),
]
ScoreField = Annotated[
    str,
    typer.Option(
        "--score-field", metavar="NAME", help="Where a request's score is; a.b leads inwards."
    ),
]


AllowCodeExecution = Annotated[
    bool,
    typer.Option(
        "--allow-code-execution",
        help="Run what candidates write, in a sandbox (bubblewrap): the metric python_tests does.",
    ),
]
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


RoutingMapFile = Annotated[
    Path | None,
    typer.Argument(metavar="[MAP]", help="The map; default: the last bench's.", show_default=False),
]
