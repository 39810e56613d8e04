"""Options and values the commands of `llmroute ab` share."""

from __future__ import annotations

from typing import Annotated

import typer

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON on stdout, nothing else.")]
Alpha = Annotated[
    float,
    typer.Option("--alpha", help="Risk of a wrong non-inferior, one-sided.", min=1e-6, max=0.5),
]
Power = Annotated[
    float, typer.Option("--power", help="Chance to find non-inferior what is.", min=0.5, max=0.9999)
]
Sequential = Annotated[
    bool, typer.Option("--sequential", help="Bounds that hold however often one looks.")
]


def read_share(value: float, option: str, *, above: float = -1.0, below: float = 2.0) -> float:
    """The value, checked to be in [0, 1] and strictly between the bounds.

    Raises:
        ConfigError: it is not.
    """
    from llmroute.errors import ConfigError

    if 0 <= value <= 1 and above < value < below:
        return value
    least = "above 0" if above >= 0 else "at least 0"
    most = "below 1" if below <= 1 else "at most 1"
    raise ConfigError(f"{value:g} is not {least} and {most}", where=option)
