"""Two arms' values by key → how far apart they are, with bounds.

Keys are assigned, so keys are what is independent; a mean over requests is a ratio of two sums
over keys. It is linearised (delta method; Deng, Knoblich & Lu, "Applying the delta method in metric
analytics", KDD 2018): each key stands for one value, whose mean over the keys *is* the mean over
the requests, and whose spread over the keys is the mean's. All that follows works on these values.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from llmroute.ab.critical import Looks
from llmroute.ab.observations import Arm, Floats, Ints, Metric, Observations
from llmroute.records import Interval

BOUNDED: frozenset[Metric] = frozenset({"quality", "failure"})
"""Values in [0, 1]: their bounds are taken with one pseudo-key at either end in each arm."""
PSEUDO_KEYS = (0.0, 1.0)
"""What is added to an arm's keys where values lie between these."""
FEWEST_BEFORE = 20
"""Keys with something before the experiment, below which that is not used."""


@dataclass(frozen=True, slots=True)
class Delta:
    """One figure of both arms, and treatment − control."""

    name: str
    control: float
    treatment: float
    n_control: int
    """Requests that have a value."""
    n_treatment: int
    difference: Interval
    """A bound is infinite where the requests are too few to have one."""
    relative: Interval | None
    """difference ÷ control; None where that is 0."""
    standard_error: float
    """Of the difference; 0 for a quantile, whose bounds are found another way."""
    variance_removed: float | None = None
    """By what the keys did before, in [0, 1]; None: not used."""


@dataclass(frozen=True, slots=True)
class _Keyed:
    """A value a key, and how many requests have one."""

    values: Floats
    numbers: Ints
    n_requests: int

    @property
    def mean(self) -> float:
        return float(self.values.mean())


def mean_delta(observations: Observations, metric: Metric, looks: Looks) -> Delta | None:
    """The difference of the arms' means over requests; None where an arm has fewer than two keys.

    Where keys have values from before the experiment, what these explain is taken out of the
    spread (CUPED; Deng, Xu, Kohavi & Walker, "Improving the sensitivity of online controlled
    experiments by utilizing pre-experiment data", WSDM 2013): assignment does not depend on them,
    so that the difference stays what it is.
    """
    arms = [_by_key(arm, metric) for arm in (observations.control, observations.treatment)]
    if any(arm is None or arm.values.size < 2 for arm in arms):
        return None
    control, treatment = (arm for arm in arms if arm is not None)
    before = _by_key(observations.before, metric)
    adjusted, removed = _adjusted((control, treatment), before)
    difference, error = _difference(adjusted, looks, bounded=metric in BOUNDED)
    return Delta(
        name=metric,
        control=control.mean,
        treatment=treatment.mean,
        n_control=control.n_requests,
        n_treatment=treatment.n_requests,
        difference=difference,
        relative=_relative(control.mean, adjusted, looks),
        standard_error=error,
        variance_removed=removed,
    )


def quantile_delta(
    observations: Observations, metric: Metric, share: float, looks: Looks
) -> Delta | None:
    """The difference of the arms' quantiles over requests; None where an arm has under two keys.

    An arm's bounds are the values at which the share of requests below is surely too small and
    surely too large (Woodruff, JASA 47, 1952, with the keys' spread as in Deng et al. 2018, §4.3);
    the difference's bounds are put together from both arms' (MOVER; Zou & Donner, Statistics in
    Medicine 27, 2008).
    """
    arms = [_quantile(arm, metric, share, looks) for arm in (observations.control,
                                                           observations.treatment)]  # fmt: skip
    control, treatment = arms
    if control is None or treatment is None:
        return None
    value = treatment.value - control.value
    low = math.hypot(treatment.value - treatment.low, control.high - control.value)
    high = math.hypot(treatment.high - treatment.value, control.value - control.low)
    difference = Interval(value, value - low, value + high)
    scale = control.value
    known = [_known(arm, metric)[1].size for arm in (observations.control, observations.treatment)]
    return Delta(
        name=f"{metric.removesuffix('_s')}_p{share * 100:.0f}_s",
        control=control.value,
        treatment=treatment.value,
        n_control=known[0],
        n_treatment=known[1],
        difference=difference,
        relative=_scaled(difference, 1 / scale) if scale > 0 else None,
        standard_error=0.0,
    )


def _by_key(arm: Arm, metric: Metric) -> _Keyed | None:
    """R + (y − R·n) / n̄ of each key: y its sum, n its requests, R = Σy/Σn. None: no values."""
    keys, values = _known(arm, metric)
    if not values.size:
        return None
    numbers, row = np.unique(keys, return_inverse=True)
    sums = np.bincount(row, values)
    counts = np.bincount(row).astype(np.float64)
    ratio = sums.sum() / counts.sum()
    linear = ratio + (sums - ratio * counts) / counts.mean()
    return _Keyed(linear, numbers, values.size)


def _known(arm: Arm, metric: Metric) -> tuple[Ints, Floats]:
    values = arm.values[metric]
    there = ~np.isnan(values)
    return arm.keys[there], values[there]


def _adjusted(
    arms: tuple[_Keyed, _Keyed], before: _Keyed | None
) -> tuple[tuple[Floats, Floats], float | None]:
    """The arms' values less what the past explains, and the share of the variance that removed."""
    control, treatment = arms
    plain = (control.values, treatment.values)
    if before is None or before.values.size < 2:
        return plain, None
    past = [_past(arm, before) for arm in arms]
    if sum(np.isin(arm.numbers, before.numbers).sum() for arm in arms) < FEWEST_BEFORE:
        return plain, None
    centred = [(z - z.mean(), x - x.mean()) for z, x in zip(plain, past, strict=True)]
    explained = sum(float(z @ x) for z, x in centred)
    spread = sum(float(x @ x) for _, x in centred)
    total = sum(float(z @ z) for z, _ in centred)
    if spread <= 0 or total <= 0:
        return plain, None
    slope, centre = explained / spread, float(np.concatenate(past).mean())
    adjusted = [z - slope * (x - centre) for z, x in zip(plain, past, strict=True)]
    return (adjusted[0], adjusted[1]), explained**2 / spread / total


def _past(arm: _Keyed, before: _Keyed) -> Floats:
    """Each key's value before; the mean for a key that has none."""
    at = np.searchsorted(before.numbers, arm.numbers).clip(max=before.numbers.size - 1)
    found = before.numbers[at] == arm.numbers
    return np.where(found, before.values[at], before.mean)


def _difference(
    arms: tuple[Floats, Floats], looks: Looks, *, bounded: bool
) -> tuple[Interval, float]:
    """The difference of the means with its bounds, and its standard error.

    Bounded values get one pseudo-key at 0 and one at 1 in each arm: without, five right answers
    of five would be "surely always right" (Agresti & Caffo, "Simple and effective confidence
    intervals for proportions and differences of proportions", American Statistician 54, 2000).
    """
    value = float(arms[1].mean() - arms[0].mean())
    ends = PSEUDO_KEYS if bounded else ()
    control, treatment = (np.concatenate([arm, ends]) for arm in arms)
    error, df = _welch(control, treatment)
    reach = looks.critical(control.size + treatment.size, df) * error
    centre = float(treatment.mean() - control.mean())
    return Interval(value, min(value, centre - reach), max(value, centre + reach)), error


def _relative(scale: float, arms: tuple[Floats, Floats], looks: Looks) -> Interval | None:
    """treatment ÷ control − 1, by the delta method (Deng et al. 2018, §2.2)."""
    if scale <= 0:
        return None
    control, treatment = arms
    ratio = 1 + float(treatment.mean() - control.mean()) / scale
    error, df = _welch(ratio * control, treatment)
    reach = looks.critical(control.size + treatment.size, df) * error / scale
    return Interval(ratio - 1, ratio - 1 - reach, ratio - 1 + reach)


def _welch(control: Floats, treatment: Floats) -> tuple[float, float]:
    """Standard error of the difference and its degrees of freedom (Welch, Biometrika 34, 1947)."""
    parts = [float(arm.var(ddof=1)) / arm.size for arm in (control, treatment)]
    total = sum(parts)
    if total == 0:
        return 0.0, float(control.size + treatment.size - 2)
    sizes = (control.size, treatment.size)
    doubt = sum(part**2 / (size - 1) for part, size in zip(parts, sizes, strict=True))
    return math.sqrt(total), total**2 / doubt


def _quantile(arm: Arm, metric: Metric, share: float, looks: Looks) -> Interval | None:
    keys, values = _known(arm, metric)
    numbers, row = np.unique(keys, return_inverse=True)
    if numbers.size < 2:
        return None
    ordered = np.sort(values)
    value = _at(ordered, share)
    counts = np.bincount(row).astype(np.float64)
    below = np.bincount(row, values <= value)
    linear = share + (below - share * counts) / counts.mean()
    spread = np.concatenate([linear, PSEUDO_KEYS])
    reach = looks.critical(spread.size, spread.size - 1) * float(spread.std(ddof=1))
    reach /= math.sqrt(spread.size)
    return Interval(value, _at(ordered, share - reach), _at(ordered, share + reach))


def _at(ordered: Floats, share: float) -> float:
    """The value below or at which this share of the values is; infinite beyond all of them."""
    if share <= 0:
        return -math.inf
    rank = math.ceil(share * ordered.size - 1e-9) - 1
    return float(ordered[rank]) if rank < ordered.size else math.inf


def _scaled(interval: Interval, factor: float) -> Interval:
    return Interval(interval.value * factor, interval.low * factor, interval.high * factor)


def deltas_of(observations: Observations, looks: Looks) -> Sequence[Delta]:
    """What is known of the means of quality, cost and latency, and of its 95th percentile."""
    found = [mean_delta(observations, metric, looks) for metric in observations.control.values]
    found.append(quantile_delta(observations, "latency_s", 0.95, looks))
    return [delta for delta in found if delta is not None]
