"""Output → Score: extraction, the suite's metrics, and their weighted mean."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from llmroute.digest import digest
from llmroute.errors import SuiteError
from llmroute.metrics import METRICS, Metric, Unscorable, build_metric
from llmroute.metrics.choice import Choice, read_choice
from llmroute.metrics.targets import target_texts
from llmroute.records import Plugin, Sample, Score, Suite
from llmroute.registry import numbered
from llmroute.scores.extract import EXTRACTORS, Extractor, build_extractor, extract_prediction

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

SCORER_VERSION = 1
"""Raised whenever a metric or an extraction step gives other values than before."""
_ROUNDING = 1e-9


@dataclass(frozen=True, slots=True)
class WeightedMetric:
    """One metric of a combination."""

    name: str
    """Its plugin's name, numbered where a suite uses one twice ("contains#2")."""
    metric: Metric
    weight: float


@dataclass(frozen=True, slots=True)
class Scorer:
    """Scores the answers to one suite."""

    suite: str
    metrics: tuple[WeightedMetric, ...]
    steps: tuple[Extractor, ...]
    digest: str
    """Content hash of metrics, extraction, labels and `SCORER_VERSION`."""

    def score(self, sample: Sample, output: str) -> Score:
        """The value of one output: Σ weight·value / Σ weight over the metrics, in [0, 1].

        An output in which extraction finds nothing is wrong: 0.0. A metric that gives no number
        in [0, 1], or fails, leaves the output not scored; the reason begins with "not_scored: ".
        """
        try:
            prediction = extract_prediction(self.steps, output)
        except Exception as error:  # noqa: BLE001 - steps of other packages may raise anything
            return Score(None, reason=f"not_scored: extract: {_described(error)}")
        if prediction is None:
            return Score(0.0, parts=self._parts(dict.fromkeys(self._names(), 0.0)))
        values: dict[str, float] = {}
        for part in self.metrics:
            value = _value(part.metric, sample, prediction)
            if isinstance(value, str):
                return Score(None, prediction, reason=f"not_scored: {part.name}: {value}")
            values[part.name] = value
        total = math.fsum(part.weight for part in self.metrics)
        weighted = math.fsum(part.weight * values[part.name] for part in self.metrics)
        return Score(_clamped(weighted / total), prediction, self._parts(values))

    @property
    def right_or_wrong(self) -> bool:
        """Whether every score is 0 or 1 by the metric's nature."""
        return len(self.metrics) == 1 and bool(
            getattr(self.metrics[0].metric, "right_or_wrong", False)
        )

    @property
    def runs_code(self) -> bool:
        """Whether scoring runs what a model wrote: in a sandbox, by permission, and for long."""
        return any(getattr(part.metric, "runs_code", False) for part in self.metrics)

    def score_key(self, sample: Sample) -> str:
        """What the score of an output depends on beside the output: the key of a cached score."""
        return digest([self.digest, sample.target, sample.fields])

    def _names(self) -> list[str]:
        return [part.name for part in self.metrics]

    def _parts(self, values: Mapping[str, float]) -> Mapping[str, float]:
        return values if len(self.metrics) > 1 else {}


def build_scorer(suite: Suite) -> Scorer:
    """The scorer of a suite, with every plugin and every sample's needs checked.

    Raises:
        UnknownName: a metric or an extraction step nobody knows.
        InputError: a plugin's parameter is wrong, or an extra is not installed.
        SuiteError: the suite has no metric, a sample lacks what a metric compares with, choice
            has no labels, or weights are not usable.
    """
    where = _where(suite)
    if not suite.metrics:
        raise SuiteError(
            "no metric to score answers with", where=where, fix="Add 'metric:' to the suite."
        )
    _check_weights(suite, where)
    labels = suite.labels
    plugins = [METRICS.labelled(plugin, labels, where=where) for plugin in suite.metrics]
    step_plugins = [EXTRACTORS.labelled(plugin, labels, where=where) for plugin in suite.extract]
    metrics = [build_metric(plugin, where=where) for plugin in plugins]
    scorer = Scorer(
        suite=suite.name,
        metrics=_named(plugins, metrics),
        steps=tuple(build_extractor(plugin, where=where) for plugin in step_plugins),
        digest=digest([SCORER_VERSION, plugins, step_plugins]),
    )
    for part in scorer.metrics:
        _check_samples(part, suite)
    return scorer


def runs_code(suite: Suite) -> bool:
    """Whether scoring the suite runs what a model wrote.

    Raises:
        UnknownName: a metric nobody knows.
    """
    where = _where(suite)
    kinds = (METRICS.load(plugin.name, where=where) for plugin in suite.metrics)
    return any(getattr(kind, "runs_code", False) for kind in kinds)


def _value(metric: Metric, sample: Sample, prediction: str) -> float | str:
    """The metric's value, or why there is none."""
    try:
        value = float(metric.score(sample, prediction))
    except Unscorable as error:
        return error.what
    except Exception as error:  # noqa: BLE001 - metrics of other packages may raise anything
        return _described(error)
    if not -_ROUNDING <= value <= 1 + _ROUNDING:
        return f"{value!r} is not in [0, 1]"
    return _clamped(value)


def _clamped(value: float) -> float:
    return min(1.0, max(0.0, value))


def _described(error: Exception) -> str:
    return f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"


def _named(plugins: Sequence[Plugin], metrics: Sequence[Metric]) -> tuple[WeightedMetric, ...]:
    names = numbered(plugin.name for plugin in plugins)
    return tuple(
        WeightedMetric(name, metric, plugin.weight)
        for name, plugin, metric in zip(names, plugins, metrics, strict=True)
    )


def _check_weights(suite: Suite, where: str) -> None:
    weights = [plugin.weight for plugin in suite.metrics]
    if not all(math.isfinite(weight) and weight >= 0 for weight in weights) or not sum(weights):
        raise SuiteError(
            f"the weights {weights} of its metrics cannot be combined",
            where=where,
            fix="Weights must be 0 or more, and at least one above 0.",
        )


def _check_samples(part: WeightedMetric, suite: Suite) -> None:
    for sample in suite.samples:
        problem = _lack(part.metric, sample, part.name)
        if problem is not None:
            what, fix = problem
            raise SuiteError(what, where=_where(suite, sample), fix=fix)


def _lack(metric: Metric, sample: Sample, name: str) -> tuple[str, str] | None:
    """(what, fix) of what a sample lacks for a metric, or None."""
    if metric.needs_target and sample.target is None:
        return (
            f"no target, but metric {name!r} compares with one.",
            "Add 'target:' to the sample, or score this suite with a judge.",
        )
    lacks: Any = getattr(metric, "lacks", None)
    if lacks is not None and (missing := lacks(sample)) is not None:
        return (
            f"{missing}, but metric {name!r} needs one.",
            "Mend the sample, or use another metric.",
        )
    if isinstance(metric, Choice):
        return _label_lack(metric, sample)
    return None


def _label_lack(metric: Choice, sample: Sample) -> tuple[str, str] | None:
    for target in target_texts(sample):
        if read_choice(target, metric.labels) is None:
            listed = ", ".join(metric.labels[:20])
            return (
                f"the target {target!r} is none of the labels",
                f"Correct the target, or add it to the labels: {listed}.",
            )
    return None


def _where(suite: Suite, sample: Sample | None = None) -> str:
    place = suite.path.as_posix() if suite.path else f"suite {suite.name!r}"
    if sample is not None:
        return f"{place}, sample {sample.id!r}"
    return f"{place}, suite {suite.name!r}" if suite.path else place
