"""Options as they were written → the values that stages take."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from llmroute.cli.options import EvidenceOption

if TYPE_CHECKING:
    from llmroute.deciding import Decision
    from llmroute.logs.read import Log as OpenLog
    from llmroute.records import Config, Price, QualityThreshold, Volume

MAP_FILE = "routing-map.yaml"


def find_map(path: Path | None, config: Path | None) -> Path:
    """The map named, or the one in the configuration's out folder.

    Raises:
        InputError: there is no such file.
    """
    from llmroute.errors import InputError

    place = path or read_config(config).out / MAP_FILE
    if not place.is_file():
        raise InputError(
            "there is no routing map here",
            where=str(place),
            fix="Make one (llmroute bench, llmroute map --out FOLDER), or name it: --map FILE.",
        )
    return place


def read_config(path: Path | None) -> Config:
    """The configuration named, or the closest one, or the embedded default.

    Raises:
        ConfigError: it cannot be used.
    """
    from llmroute.config.load import default_config, find_config, load_config

    found = path or find_config(Path())
    return load_config(found, os.environ) if found else default_config()


def read_threshold(text: str | None) -> QualityThreshold | None:
    """The bar as it is written on the command line.

    Raises:
        ConfigError: it is neither a number in [0, 1] nor `of_best:…` or `of_reference:…`.
    """
    from llmroute.errors import ConfigError
    from llmroute.records import QualityThreshold

    if text is None:
        return None
    kind, _, number = text.rpartition(":")
    relative = {"": None, "of_best": "best", "of_reference": "reference"}
    try:
        value = float(number)
    except ValueError:
        value = -1.0
    if kind not in relative or not 0 <= value <= 1:
        raise ConfigError(
            f"{text!r} is no quality bar",
            where="--threshold",
            fix="Write a number from 0 to 1, of_best:0.9 or of_reference:0.95.",
        )
    return QualityThreshold(value, relative[kind])  # type: ignore[arg-type]


def read_confidence(value: float | None) -> float | None:
    """The confidence, checked.

    Raises:
        ConfigError: it is not between 0.5 and 1.
    """
    from llmroute.errors import ConfigError

    if value is not None and not 0.5 < value < 1:
        raise ConfigError(
            f"{value} is no confidence",
            where="--confidence",
            fix="Write a number between 0.5 and 1, such as 0.95.",
        )
    return value


def read_cap(max_usd: float) -> float:
    """The cap on spending, checked.

    Raises:
        ConfigError: it is no amount.
    """
    from math import isfinite

    from llmroute.errors import ConfigError

    if not isfinite(max_usd) or max_usd < 0:
        raise ConfigError(
            f"{max_usd} is no cap",
            where="--max-usd",
            fix="Write an amount in dollars, such as 5.00.",
        )
    return max_usd


def read_volume(text: str | None) -> Volume | None:
    """Requests a month or a day, as `1200000`, `1.2e6/month` or `40000/day` say it.

    Raises:
        ConfigError: it is none of these.
    """
    from llmroute.config import fields
    from llmroute.config.faults import RefusedError
    from llmroute.errors import ConfigError

    try:
        return None if text is None else fields.read_volume(text)
    except RefusedError as refused:
        raise ConfigError(refused.what, where="--volume", fix=refused.fix) from refused


def read_prices(path: Path | None) -> dict[str, Price] | None:
    """The prices in a file, or None where none is named."""
    from llmroute.calls.prices import read_price_file

    return None if path is None else read_price_file(path)


def read_decision(
    threshold: str | None,
    evidence: EvidenceOption | None,
    confidence: float | None,
    reference: str | None,
    prices: Path | None,
    labels: list[Path] | None = None,
) -> Decision:
    """What the map is decided by, where the command line says so.

    Raises:
        ConfigError: a value cannot be used.
    """
    from llmroute.deciding import Decision

    return Decision(
        threshold=read_threshold(threshold),
        evidence=evidence.value if evidence else None,
        confidence=read_confidence(confidence),
        reference=reference,
        prices=read_prices(prices),
        labels=tuple(labels or ()),
    )


def open_logs(
    paths: list[Path], form: str, *, score_field: str, propensity_field: str = "propensity"
) -> OpenLog:
    """The logs, after saying which form they were found to have.

    Raises:
        UnknownName: no form has the name.
        LogFormatError: a log can't be read, or its form is not known.
    """
    from llmroute.cli.console import say
    from llmroute.logs.read import AUTO, Named, open_log

    log = open_log(paths, form, Named(score_field, propensity_field))
    if form == AUTO:
        say(f"{', '.join(map(str, paths))}: read as {log.form}")
    return log


def find_store(config: Path | None, store: Path | None) -> Path:
    """The store named, or the configuration's."""
    return store or read_config(config).store


def own_templates(config: Config) -> Path | None:
    """The project's own `reports/` folder, whose templates replace the shipped ones."""
    return _templates_beside(config.path)


def closest_templates(config: Path | None) -> Path | None:
    """`own_templates` of the configuration named, or of the closest, which is not read."""
    from llmroute.config.load import find_config

    return _templates_beside(config or find_config(Path()))


def _templates_beside(config: Path | None) -> Path | None:
    folder = None if config is None else config.parent / "reports"
    return folder if folder is not None and folder.is_dir() else None
