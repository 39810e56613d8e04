"""`llmroute export`: the routing map as another program's configuration."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from llmroute.cli import options as opt
from llmroute.cli import reading
from llmroute.cli.errors import command

if TYPE_CHECKING:
    from llmroute.exporters.litellm_complexity import ComplexityFit
    from llmroute.records import Price

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
    routing_map: opt.MapFile = None,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FILE", help="Where it goes; default: stdout."),
    ] = None,
    models: Models = None,
    hook: Annotated[
        bool, typer.Option("--hook", help="litellm: let the map decide inside the proxy.")
    ] = False,
    data: Annotated[
        list[Path] | None,
        opt.data(
            help="Outcomes whose prompts and scores are read; default: the store's. May repeat."
        ),
    ] = None,
    examples: Annotated[
        int,
        typer.Option(
            "--examples",
            metavar="N",
            min=0,
            help="Semantic forms: prompts written a task, beside its utterances.",
        ),
    ] = 20,
    encoder: Annotated[
        str | None,
        typer.Option(
            "--encoder",
            metavar="TYPE/NAME",
            help="Semantic forms: the embedding model; default: openai/text-embedding-3-small.",
            show_default=False,
        ),
    ] = None,
    weak: Annotated[
        str | None, opt.weak(help="litellm-complexity: default, the cheapest route.")
    ] = None,
    strong: Annotated[
        str | None, opt.strong(help="litellm-complexity: default, the reference.")
    ] = None,
    target_strong: Annotated[
        float | None,
        opt.target_strong(
            help="litellm-complexity: share of strong calls; default: the knee of the curve."
        ),
    ] = None,
    prices: opt.PriceFile = None,
    list_all: Annotated[bool, typer.Option("--list", help="List the forms and stop.")] = False,
    config: opt.ConfigFile = None,
    store: opt.Store = None,
) -> int:
    """Write the routing map as a gateway's configuration, which says what it cannot carry.

    Keys are never written: the file names the environment variables that hold them.
    """
    from dataclasses import fields

    from llmroute.errors import ConfigError
    from llmroute.exporters import EXPORTERS
    from llmroute.routing_map.file import read_map

    if list_all:
        return _list()
    if name is None:
        raise ConfigError("no form is named", fix="Name one; llmroute export --list shows all.")
    exporter = EXPORTERS.load(name)  # a typo is told before a missing map
    place = reading.find_map(routing_map, config)
    given = read_map(place)
    params: dict[str, Any] = {
        "models": read_models(models or ()),
        "hook": str(place.resolve()) if hook else "",
        "encoder": encoder,
    }
    known = {field.name for field in fields(exporter)}
    places = Places(data or (), reading.find_store(config, store), given.provenance.run_id)
    if "examples" in known:
        params["examples"] = _examples(places, examples)
    if "fit" in known:
        params["fit"] = _fit(places, weak, strong, target_strong, reading.read_prices(prices))
    built = EXPORTERS.build(name, {key: value for key, value in params.items() if value})
    _write(built.render(given), output)
    return 0


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


@dataclass(frozen=True, slots=True)
class Places:
    """Where the outcomes behind a map may be found."""

    data: Sequence[Path]
    store: Path
    run_id: str | None
    """The map's run."""

    @property
    def known(self) -> bool:
        """Whether there are any: files are named, or the store still holds the run."""
        from llmroute.recalling import holds_run

        return bool(self.data) or (self.run_id is not None and holds_run(self.store, self.run_id))


def _examples(places: Places, n: int) -> Mapping[str, Sequence[str]]:
    from llmroute.exporters.examples import choose_examples
    from llmroute.outcomes.files import read_outcomes
    from llmroute.pipeline import remap

    if not n or not places.known:
        return {}
    if places.data:
        outcomes = read_outcomes(places.data)
    else:
        outcomes = remap(places.store, run_id=places.run_id).outcomes
    return choose_examples(list(outcomes.prompts.values()), n)


def _fit(
    places: Places,
    weak: str | None,
    strong: str | None,
    target_strong: float | None,
    prices: Mapping[str, Price] | None,
) -> ComplexityFit | None:
    from llmroute.calibrating import Wish
    from llmroute.calibration.threshold import Target
    from llmroute.pipeline import fit_complexity

    if not places.known:
        return None
    target = Target("knee") if target_strong is None else Target("target_strong", target_strong)
    wish = Wish(target=target, weak=weak, strong=strong)
    return fit_complexity(
        wish, files=places.data, store=places.store, run_id=places.run_id, prices=prices
    )


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
