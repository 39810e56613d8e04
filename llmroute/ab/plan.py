"""Margin, power and traffic → the size and the length of an A/B test.

Non-inferiority of quality, one-sided: H₀ is "treatment − control ≤ −margin". The textbook size is

    n_control = (z₁₋α + z_power)² · (σ²_control + σ²_treatment / ratio) / (margin + difference)²

(Chow, Shao, Wang & Lokhnygina, "Sample Size Calculations in Clinical Research", 3rd edition, 2017,
§3.2.2 for means, §4.2.2 for proportions). Here the power is worked out for the very bounds that
`analyse` takes, so that its pseudo-observations and Student's t, or the boundary of `--sequential`,
are in the size. Sequentially it is the power of having concluded *by* that size, or somewhat less.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from statistics import NormalDist

from llmroute.ab.critical import AnyTime, Looks, Once
from llmroute.errors import InputError

MOST_KEYS = 10**10
"""No test is planned beyond so many keys an arm."""


@dataclass(frozen=True, slots=True)
class Design:
    """What an A/B test is to show, and what is known beforehand."""

    margin: float
    """The loss of mean quality that would still be accepted, in (0, 1)."""
    baseline_quality: float
    """Mean quality of the control arm, in [0, 1]."""
    power: float = 0.8
    alpha: float = 0.05
    """One-sided."""
    difference: float = 0.0
    """Treatment − control as it is expected to be."""
    quality_sd: float | None = None
    """Of one request's score. None: the greatest that scores of this mean can have, √(q(1 − q)):
    right or wrong (Bhatia & Davis, American Mathematical Monthly 107, 2000)."""
    ratio: float = 1.0
    """Treated keys a control key."""
    sequential: bool = False
    requests_per_key: float = 1.0
    icc: float = 0.0
    """Correlation of two requests of one key, in [0, 1]."""
    cost_cv: float = 1.0
    """Standard deviation of a request's cost ÷ its mean."""
    saving: float | None = None
    """The share of the cost whose saving must be seen too, in (0, 1)."""


@dataclass(frozen=True, slots=True)
class TestSize:
    """How many keys and requests an arm."""

    control_keys: int
    treatment_keys: int
    control_requests: int
    treatment_requests: int
    detectable_saving: float | None
    """Least share of the cost whose saving is seen with the power; None: not even all of it."""

    @property
    def requests(self) -> int:
        """Both arms together."""
        return self.control_requests + self.treatment_requests


@dataclass(frozen=True, slots=True)
class Within:
    """What a given number of requests can show."""

    requests: int
    power: float
    """For the margin asked for."""
    margin: float | None
    """The least that has the power asked for; None: not even 1."""


def plan_test(design: Design) -> TestSize:
    """The smallest test with the power.

    Raises:
        InputError: the expected loss is not within the margin, or no test is large enough.
    """
    if design.difference <= -design.margin:
        raise InputError(
            f"a loss of {-design.difference:g} is expected, and the margin is {design.margin:g}:"
            " no number of requests shows that it is smaller",
            fix="Widen --margin, or choose a map that loses less.",
        )
    keys = _fewest(lambda n: quality_power(design, n) >= design.power)
    if design.saving is not None:
        keys = max(keys, _fewest(lambda n: _sees_saving(design, n)))
    treated = math.ceil(keys * design.ratio)
    return TestSize(
        control_keys=keys,
        treatment_keys=treated,
        control_requests=math.ceil(keys * design.requests_per_key),
        treatment_requests=math.ceil(treated * design.requests_per_key),
        detectable_saving=detectable_saving(design, keys),
    )


def textbook_keys(design: Design) -> float:
    """Control keys by the formula at the top of this page, for one look.

    >>> round(textbook_keys(Design(margin=0.03, baseline_quality=0.85)))
    1752
    """
    z = NormalDist().inv_cdf(1 - design.alpha) + NormalDist().inv_cdf(design.power)
    control, treatment = _key_variances(design)
    return z**2 * (control + treatment / design.ratio) / (design.margin + design.difference) ** 2


def quality_power(design: Design, control_keys: float) -> float:
    """The probability that `analyse` finds non-inferior, with so many keys in the control arm.

    Both arms' means get one right and one wrong pseudo-key (see `analyse`), which draws them to
    the middle and widens the bounds: neither matters for many keys.
    """
    sizes = (control_keys, control_keys * design.ratio)
    means = (design.baseline_quality, design.baseline_quality + design.difference)
    drawn = [(n * q + 1) / (n + 2) for n, q in zip(sizes, means, strict=True)]
    rows = list(zip(sizes, means, drawn, _key_variances(design), strict=True))
    seen = sum(_seen_variance(n, q, m, v) for n, q, m, v in rows)
    spread = math.sqrt(sum(n * v / (n + 2) ** 2 for n, _, _, v in rows))
    room = drawn[1] - drawn[0] + design.margin
    room -= _critical(design, sum(sizes)) * math.sqrt(seen)
    if spread == 0:
        return float(room > 0)
    return NormalDist().cdf(room / spread)


def detectable_saving(design: Design, control_keys: float) -> float | None:
    """The least share of the cost whose saving is seen with the power; None: not even all of it.

    Costs keep their variation: a treated request costs (1 − saving) times as much, and its
    standard deviation is that much smaller too.
    """
    clustered = _design_effect(design) / design.requests_per_key * design.cost_cv**2
    z = _critical(design, control_keys * (1 + design.ratio)) + NormalDist().inv_cdf(design.power)

    def is_seen(saving: float) -> bool:
        variance = clustered * (1 + (1 - saving) ** 2 / design.ratio) / control_keys
        return saving >= z * math.sqrt(variance)

    return _least(is_seen)


def within(design: Design, requests: int) -> Within:
    """What so many requests, both arms together, can show."""
    keys = requests / design.requests_per_key / (1 + design.ratio)
    return Within(
        requests=requests,
        power=quality_power(design, keys) if keys >= 1 else 0.0,
        margin=_least(
            lambda margin: (
                keys >= 1 and quality_power(replace(design, margin=margin), keys) >= design.power
            )
        ),
    )


def looks_of(design: Design, keys: float) -> Looks:
    """How the design looks at its data, its bounds tightest at so many keys, both arms together."""
    return AnyTime(design.alpha, keys) if design.sequential else Once(design.alpha)


def _critical(design: Design, keys: float) -> float:
    return looks_of(design, keys).critical(keys, df=max(keys, 1.0))


def _sees_saving(design: Design, control_keys: float) -> bool:
    least = detectable_saving(design, control_keys)
    return least is not None and design.saving is not None and least <= design.saving


def _key_variances(design: Design) -> tuple[float, float]:
    """Variance of one key's mean score, control and treatment."""
    scale = _design_effect(design) / design.requests_per_key
    treated = min(1.0, max(0.0, design.baseline_quality + design.difference))
    return tuple(  # type: ignore[return-value]
        scale * (q * (1 - q) if design.quality_sd is None else design.quality_sd**2)
        for q in (design.baseline_quality, treated)
    )


def _design_effect(design: Design) -> float:
    """How much more a mean of correlated requests varies (Kish, "Survey Sampling", 1965)."""
    return 1 + (design.requests_per_key - 1) * design.icc


def _seen_variance(n: float, mean: float, drawn: float, variance: float) -> float:
    """The squared standard error that `analyse` sees, its pseudo-keys at 0 and 1 included."""
    squares = n * (variance + (mean - drawn) ** 2) + drawn**2 + (1 - drawn) ** 2
    return squares / (n + 1) / (n + 2)


def _fewest(is_enough: Callable[[float], bool]) -> int:
    """The least whole number that is enough, where more is enough too."""
    high = 2
    while not is_enough(high):
        high *= 2
        if high > MOST_KEYS:
            raise InputError(
                "no test of any size is large enough",
                fix="Widen --margin, or ask for less --power or --saving.",
            )
    low = high // 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if is_enough(middle) else (middle, high)
    return high


def _least(is_enough: Callable[[float], bool]) -> float | None:
    """The least number in (0, 1] that is enough, where more is enough too; None: not even 1."""
    low, high = 0.0, 1.0
    if not is_enough(high):
        return None
    for _ in range(50):
        middle = (low + high) / 2
        low, high = (low, middle) if is_enough(middle) else (middle, high)
    return high
