from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.power import NormalIndPower

from llmroute.ab.critical import AnyTime
from llmroute.ab.deltas import mean_delta
from llmroute.ab.observations import Arm, Observations
from llmroute.ab.plan import (
    Design,
    detectable_saving,
    looks_of,
    plan_test,
    quality_power,
    textbook_keys,
    within,
)
from llmroute.errors import InputError

DESIGN = Design(margin=0.03, baseline_quality=0.85)


@pytest.mark.parametrize("margin", [0.02, 0.05])
@pytest.mark.parametrize("quality", [0.6, 0.95])
@pytest.mark.parametrize("power", [0.8, 0.9])
@pytest.mark.parametrize("ratio", [0.25, 1.0, 2.0])
def test_the_textbook_size_is_statsmodels(
    margin: float, quality: float, power: float, ratio: float
) -> None:
    design = Design(margin=margin, baseline_quality=quality, power=power, ratio=ratio)
    effect = margin / np.sqrt(quality * (1 - quality))
    expected = NormalIndPower().solve_power(
        effect, alpha=0.05, power=power, ratio=ratio, alternative="larger"
    )
    assert textbook_keys(design) == pytest.approx(expected, rel=1e-6)
    # Pseudo-keys weigh in small arms: they favour whichever arm is the larger.
    assert 0.93 <= plan_test(design).control_keys / expected <= 1.22


def test_the_plan_of_a_readers_first_example() -> None:
    size = plan_test(DESIGN)
    assert (size.control_requests, size.treatment_requests, size.requests) == (1753, 1753, 3506)
    assert size.detectable_saving == pytest.approx(0.0807, abs=1e-4)


def observed(control: np.ndarray, treatment: np.ndarray) -> Observations:
    keys = np.arange(control.size + treatment.size)
    empty = Arm("before", np.empty(0, dtype=np.int64), {"quality": np.empty(0)})
    return Observations(
        Arm("control", keys[: control.size], {"quality": control}),
        Arm("treatment", keys[control.size :], {"quality": treatment}),
        empty,
        0,
    )


def share_found_non_inferior(design: Design, difference: float, draws: int, seed: int) -> float:
    size, rng, found = plan_test(design), np.random.default_rng(seed), 0
    looks = looks_of(design, size.control_keys + size.treatment_keys)
    for _ in range(draws):
        control = rng.random(size.control_keys) < design.baseline_quality
        treatment = rng.random(size.treatment_keys) < design.baseline_quality + difference
        delta = mean_delta(
            observed(control.astype(float), treatment.astype(float)), "quality", looks
        )
        assert delta is not None
        found += delta.difference.low > -design.margin
    return found / draws


CASES = [
    DESIGN,
    Design(margin=0.03, baseline_quality=0.95),
    Design(margin=0.05, baseline_quality=0.8, ratio=0.25),
    Design(margin=0.1, baseline_quality=0.8, power=0.9),
    Design(margin=0.2, baseline_quality=0.9),
    Design(margin=0.05, baseline_quality=0.85, sequential=True),
]


@pytest.mark.parametrize("design", CASES)
def test_a_planned_test_has_the_power_it_promises(design: Design) -> None:
    draws = 1000
    error = np.sqrt(design.power * (1 - design.power) / draws)
    assert share_found_non_inferior(design, 0.0, draws, seed=1) >= design.power - 2 * error


@pytest.mark.parametrize("design", CASES)
def test_a_loss_of_the_whole_margin_is_overlooked_as_rarely_as_promised(design: Design) -> None:
    draws = 1000
    error = np.sqrt(design.alpha * (1 - design.alpha) / draws)
    found = share_found_non_inferior(design, -design.margin, draws, seed=2)
    assert found <= design.alpha + 2 * error


@pytest.mark.parametrize(
    ("n_control", "n_treatment", "quality", "margin"),
    [(20, 20, 0.8, 0.1), (50, 50, 0.95, 0.03), (128, 32, 0.95, 0.1), (400, 100, 0.9, 0.05),
     (198, 198, 0.8, 0.1), (663, 663, 0.95, 0.03)],
)  # fmt: skip
def test_the_exact_risk_of_right_or_wrong_scores_stays_near_the_promise(
    n_control: int, n_treatment: int, quality: float, margin: float
) -> None:
    """Summed over every outcome there can be, not drawn; 0.0546 at most over the sizes tried."""
    control, treatment = np.arange(n_control + 1), np.arange(n_treatment + 1)
    a, b = np.meshgrid(control, treatment, indexing="ij")
    sizes = (n_control + 2, n_treatment + 2)
    means = [(right + 1) / n for right, n in zip((a, b), sizes, strict=True)]
    parts = [m * (1 - m) / (n - 1) for m, n in zip(means, sizes, strict=True)]
    df = sum(parts) ** 2 / sum(v**2 / (n - 1) for v, n in zip(parts, sizes, strict=True))
    low = means[1] - means[0] - stats.t.ppf(0.95, df) * np.sqrt(sum(parts))
    weights = np.outer(
        stats.binom.pmf(control, n_control, quality),
        stats.binom.pmf(treatment, n_treatment, quality - margin),
    )
    assert weights[low > -margin].sum() <= 0.052


def test_looking_at_every_tenth_key_does_not_raise_the_risk_of_sequential_bounds() -> None:
    rng, n, draws = np.random.default_rng(3), 5000, 400
    k = np.arange(20, n, 10)
    anytime = np.array([AnyTime(0.05, 4000).critical(2 * i + 4) for i in k])

    def ever_wrong(critical: np.ndarray | float) -> float:
        return float(np.mean([bool((low > critical * error).any()) for low, error in looks]))

    def means(quality: float) -> tuple[np.ndarray, np.ndarray]:
        right = np.cumsum(rng.random(n) < quality)[k - 1]
        mean = (right + 1) / (k + 2)
        return mean, mean * (1 - mean) / (k + 1)

    looks = []
    for _ in range(draws):
        (control, a), (treatment, b) = means(0.85), means(0.80)
        looks.append((treatment - control + 0.05, np.sqrt(a + b)))
    assert ever_wrong(anytime) <= 0.05
    assert ever_wrong(1.645) > 0.3  # what looking so often does to bounds for one look


def test_a_smaller_margin_more_power_and_less_risk_all_take_more_requests() -> None:
    least = plan_test(DESIGN).requests
    for harder in (
        replace(DESIGN, margin=0.02),
        replace(DESIGN, power=0.9),
        replace(DESIGN, alpha=0.01),
        replace(DESIGN, difference=-0.01),
        replace(DESIGN, ratio=0.1),
        replace(DESIGN, sequential=True),
        replace(DESIGN, requests_per_key=5, icc=0.2),
    ):
        assert plan_test(harder).requests > least


def test_correlated_requests_take_kishs_design_effect_more() -> None:
    clustered = plan_test(replace(DESIGN, requests_per_key=5, icc=0.25))
    assert clustered.control_requests == pytest.approx(
        2 * plan_test(DESIGN).control_requests, rel=0.02
    )
    assert clustered.control_requests == 5 * clustered.control_keys


def test_a_saving_asked_for_is_one_the_test_can_see() -> None:
    size = plan_test(replace(DESIGN, saving=0.05))
    assert size.control_keys > plan_test(DESIGN).control_keys
    assert size.detectable_saving is not None
    assert size.detectable_saving <= 0.05
    assert detectable_saving(DESIGN, size.control_keys - 1) > 0.05  # type: ignore[operator]


def test_the_power_of_a_saving_is_what_draws_of_it_show() -> None:
    rng, n, draws = np.random.default_rng(4), 400, 1000
    least = detectable_saving(DESIGN, n)
    assert least is not None
    seen = 0
    for _ in range(draws):
        control, treatment = rng.exponential(1.0, n), rng.exponential(1 - least, n)
        error = np.sqrt(control.var(ddof=1) / n + treatment.var(ddof=1) / n)
        seen += control.mean() - treatment.mean() > 1.645 * error
    assert seen / draws == pytest.approx(0.8, abs=0.03)


def test_a_horizon_shows_what_its_requests_would() -> None:
    found = within(DESIGN, plan_test(DESIGN).requests)
    assert found.power == pytest.approx(0.8, abs=0.001)
    assert found.margin == pytest.approx(0.03, abs=1e-5)
    assert within(DESIGN, 1).margin is None


def test_a_loss_expected_beyond_the_margin_is_refused() -> None:
    with pytest.raises(InputError, match=r"a loss of 0\.04 is expected, and the margin is 0\.03"):
        plan_test(replace(DESIGN, difference=-0.04))
    with pytest.raises(InputError, match="no test of any size"):
        plan_test(replace(DESIGN, saving=1e-9))


def test_power_grows_with_the_keys() -> None:
    powers = [quality_power(DESIGN, n) for n in (10, 100, 1000, 10_000)]
    assert powers == sorted(powers)
