"""How one looks → how many standard errors a bound stands from its estimate.

Looking once: Student's t. Looking whenever one likes: an asymptotic confidence sequence, whose
bounds hold at all sample sizes at once (Waudby-Smith, Arbour, Sinha, Kennedy & Ramdas,
"Time-uniform central limit theory and asymptotic confidence sequences", Annals of Statistics 52,
2024, §2.3 and its one-sided form in the appendix; the boundary is the one-sided normal mixture of
Howard, Ramdas, McAuliffe & Sekhon, "Time-uniform, nonparametric, nonasymptotic confidence
sequences", Annals of Statistics 49, 2021, §3.2). A difference of two arms' means is asymptotically
linear in the keys, so that both kinds of bound are estimate ± critical value × standard error.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from llmroute.analysis.distributions import student_t_quantile


@dataclass(frozen=True, slots=True)
class Once:
    """One look, at the end."""

    alpha: float

    def critical(self, n_keys: float, df: float | None = None) -> float:  # noqa: ARG002
        """Student's t at 1 − alpha; without degrees of freedom, the normal's."""
        return student_t_quantile(1 - self.alpha, math.inf if df is None else df)


@dataclass(frozen=True, slots=True)
class AnyTime:
    """Looks as often as one likes, and a stop at any of them."""

    alpha: float
    tuned_at: float
    """Keys at which the bounds are tightest; chosen before the data are seen."""

    def critical(self, n_keys: float, df: float | None = None) -> float:  # noqa: ARG002
        """The boundary in standard errors at this many keys, both arms together.

        >>> round(AnyTime(0.05, 1000).critical(1000), 3)
        2.779
        """
        k = n_keys * self._rho_squared()
        bound = 2 * (k + 1) / k * math.log1p(math.sqrt(k + 1) / (2 * self.alpha))
        return math.sqrt(bound)

    def _rho_squared(self) -> float:
        """The mixture's variance: Waudby-Smith et al., ρ(t*), with 2α for one side."""
        least = -2 * math.log(2 * self.alpha)
        return (least + math.log1p(least)) / self.tuned_at


Looks = Once | AnyTime
