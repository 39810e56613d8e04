"""One task's candidates and samples → the calls still needed to know the grid's route.

The grid's route is a function of the full grid's scores: of the candidates that meet the rule, the
cheapest. A race finds it with fewer calls. Samples come in one uniformly random order, shared
by all candidates. The cheapest candidate that is neither out nor finished is asked the next batch;
after each batch it is dropped if it surely fails, with a test whose risk over *all* looks is
at most α. One that is never dropped is asked to its last sample and judged by the grid's own rule.
Once such a one meets it, what is surely dearer need not be asked: the race is over.

**Theorem.** Let the outcome of every call of the grid be fixed, whoever asks it and when. If what
the race took for surely dearer is dearer in the full grid, then
(1) the race never routes to a candidate that the grid would reject, and
(2) it routes as the grid with probability at least 1 − α, over the random order.

*Proof.* (1) Whoever is routed to was asked all its samples and judged by the grid's rule. (2) Let g
be the grid's route. If there is none, nobody meets the rule and the race ends without a route,
as the grid does. Else g was fixed before the order was drawn, and g is dropped with probability
at most α (`drops`, `sequences`). If it is not dropped, it is asked to its end and meets
the rule, unless the race ends before; that needs an f that meets the rule and is surely
cheaper than g, which contradicts that g is the cheapest that does. At the end the cheapest of those
who meet the rule is taken, at equal cost the better one, then by name: g. ∎

There is no correction for the number of candidates: only *one* false drop can change the route.
When it happens (≤ α), the route is the next dearer candidate that meets the rule, or the fallback.

**Cost.** Before its first call a candidate's cost is what was expected, scaled by how far the
measured costs of others are off; afterwards the measured mean. *Surely dearer* means: not
asked, and its least possible cost (where none is given, its expected cost) above the route's;
or asked, and above by three standard errors over shared samples (exactly, after the last). This
is no part of α. Candidates without a price are never the route and are not asked.

**Failures.** A call without a score counts as the grid counts it; a candidate that can no longer
reach the least coverage is out, for certain.

**Relative bars.** Against the reference, paired differences can drop, and the reference is asked as
far as anyone who is compared with it. Against the best, or an unnamed reference, who is best is
known only when everyone is asked everything: such a task is asked in full (`full_grid` says so).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from llmroute.errors import InputError, UnknownName
from llmroute.race.contender import Contender, Status
from llmroute.race.drops import DropTest, drop_tests
from llmroute.race.grid import GridRule
from llmroute.race.order import looks_of, random_order
from llmroute.race.rule import RaceCandidate, RaceRule, check_race
from llmroute.records import Sample

ALIKE = 1e-9
"""Expected costs closer than this share of each other are equal but for rounding."""


@dataclass(frozen=True, slots=True)
class Standing:
    """Where one candidate stands in a race."""

    candidate: str
    status: str
    """"open", "clears", "out", "unpriced", or "not needed" once the race is over."""
    reason: str
    n_asked: int
    """Calls recorded."""
    n_planned: int
    """Calls of the full grid."""
    cost_usd: float | None
    """Mean cost of a call, measured where possible; None: not priced."""
    spent_usd: float


class TaskRace:
    """Says what to ask next and is told what came of it; equal records give equal questions."""

    def __init__(
        self,
        task: str,
        samples: Sequence[Sample],
        candidates: Sequence[RaceCandidate],
        rule: RaceRule,
        *,
        seed: int = 0,
    ) -> None:
        """Lay out the race; nothing is asked yet.

        Args:
            task: its name; with the seed it gives the order of the samples.
            samples: the whole suite, in any order.
            candidates: who could be the route, in any order; those excluded by the
                configuration are left out.
            rule: what is decided by.
            seed: the run's.

        Raises:
            InputError: no samples or candidates, a name twice, or a setting out of range.
        """
        check_race(task, samples, candidates, rule)
        self.task = task
        self.rule = rule
        self.units = random_order(samples, task, seed)
        self.looks = looks_of(self.units, rule.batch)
        self.contenders = {
            c.name: Contender(c, self.units, rule.repeats)
            for c in sorted(candidates, key=lambda c: c.name)
        }
        self._grid = GridRule(rule.rule, rule.bar, rule.n_compared or len(candidates))
        self._samples = {sample.id for sample in samples}
        self.full_grid = self._why_full_grid()
        self._reference = self._find_reference()
        self._tests: dict[str, DropTest] = {}
        if self.full_grid is None:
            make_test = drop_tests(self.units, self.looks, rule, self._grid, self._reference)
            self._tests = {name: make_test() for name in self.contenders}
        self._scale = 1.0
        for contender in self.contenders.values():
            self._open(contender)

    # -- what a race is told ----------------------------------------------------------------------

    def record(
        self,
        candidate: str,
        sample_id: str,
        score: float | None,
        cost_usd: float | None,
        *,
        repeat: int = 0,
    ) -> None:
        """Take in one call's result; the order of arrival is of no account.

        Args:
            candidate: whose answer it is.
            sample_id: to which sample.
            score: in [0, 1]; None: the call failed or could not be scored.
            cost_usd: what it cost; None: not known.
            repeat: for the n-th time, from 0.

        Raises:
            UnknownName: no such candidate or sample.
            InputError: a score out of range, or between 0 and 1 where `right_or_wrong` is said.
        """
        if candidate not in self.contenders:
            raise UnknownName("candidate", candidate, self.contenders, where=f"race of {self.task}")
        if sample_id not in self._samples:
            raise UnknownName("sample", sample_id, self._samples, where=f"race of {self.task}")
        self._check_score(candidate, sample_id, score)
        contender = self.contenders[candidate]
        contender.record(sample_id, repeat, score, cost_usd)
        contender.advance()
        if contender is self._reference:
            for other in self.contenders.values():
                self._settle(other)
        else:
            self._settle(contender)

    def rule_out(self, candidate: str, reason: str) -> None:
        """Take a candidate out for good: it keeps failing, or breaks a limit of the task.

        The race goes on without it, even if it had been the route.
        """
        if candidate not in self.contenders:
            raise UnknownName("candidate", candidate, self.contenders, where=f"race of {self.task}")
        self._set(self.contenders[candidate], "out", reason)

    # -- what it says -----------------------------------------------------------------------------

    def next_batch(self) -> tuple[tuple[str, str], ...]:
        """(candidate, sample) pairs to ask now, every repeat of each; empty when decided.

        What was handed out and not yet recorded is handed out again.
        """
        calls: dict[tuple[str, str], None] = {}
        for contender in self._to_ask():
            until = self._next_look(contender)
            asked = [contender]
            if self._reference is not None and self.full_grid is None:
                asked.append(self._reference)
            for each in asked:
                calls.update({(each.name, s): None for s in each.missing_samples(until)})
        return tuple(calls)

    @property
    def decided(self) -> bool:
        """Whether nothing more needs to be asked."""
        return not self._to_ask()

    @property
    def route(self) -> str | None:
        """The cheapest candidate that meets the rule; None: none does, or it is not decided yet.

        Where `full_grid` says why everything is asked, the comparison of all decides, not this.
        """
        if self.full_grid is not None or not self.decided:
            return None
        clearing = [c for c in self._alive() if c.status == "clears"]
        return min(clearing, key=self._rank).name if clearing else None

    @property
    def risk_bound(self) -> float:
        """Bound on the probability that the route differs from the grid's, in [0, 1]."""
        if self.full_grid is not None:
            return 0.0
        return max(test.risk for test in self._tests.values())

    @property
    def standings(self) -> tuple[Standing, ...]:
        """Every candidate, cheap to dear, unpriced ones last."""
        decided = self.decided
        return tuple(self._standing(c, decided) for c in sorted(self._all(), key=self._cost_order))

    def _standing(self, contender: Contender, decided: bool) -> Standing:
        status, reason = str(contender.status), contender.reason
        if decided and status == "open":
            status, reason = "not needed", "dearer than a candidate that clears"
        return Standing(
            candidate=contender.name,
            status=status,
            reason=reason,
            n_asked=contender.n_recorded,
            n_planned=self.rule.repeats * len(self._samples),
            cost_usd=self._expected_cost(contender),
            spent_usd=contender.spent_usd,
        )

    # -- who is asked -----------------------------------------------------------------------------

    def _to_ask(self) -> list[Contender]:
        """The open candidates that may still be the route, cheapest first, `ahead` of them."""
        if self.full_grid is not None:
            return [c for c in self._all() if not c.done and c.status != "out"]
        alive = self._alive()
        done = [c for c in alive if c.status == "clears"]
        front = min(done, key=self._rank) if done else None
        needed = (
            c for c in alive if c.status == "open" and not (front and self._surely_dearer(c, front))
        )
        return [c for _, c in zip(range(self.rule.ahead), needed, strict=False)]

    def _alive(self) -> list[Contender]:
        alive = [c for c in self._all() if c.status in ("open", "clears")]
        return sorted(alive, key=self._cost_order)

    def _all(self) -> Iterable[Contender]:
        return self.contenders.values()

    def _surely_dearer(self, contender: Contender, front: Contender) -> bool:
        """Whether `contender` cannot be the route since `front`, fully asked, meets the rule."""
        order = contender.compare_cost(front)
        if order == 0:
            return contender.surely_scores_below(front)
        if order is not None:
            return order > 0
        cost, bound = self._expected_cost(contender), self._expected_cost(front)
        if contender.seen == 0 and contender.candidate.least_cost_usd is not None:
            cost = contender.candidate.least_cost_usd
        elif contender.mean_cost_usd() is not None and front.mean_cost_usd() is not None:
            return False  # both are measured, and too close to tell
        return cost is not None and bound is not None and cost > bound * (1 + ALIKE)

    def _cost_order(self, contender: Contender) -> tuple[float, str]:
        cost = self._expected_cost(contender)
        return (math.inf if cost is None else cost), contender.name

    def _rank(self, contender: Contender) -> tuple[float, float, str]:
        """The routing map's order of those that clear: cost, then quality, then name."""
        cost, _ = self._cost_order(contender)
        return cost, -(contender.summarise().quality or 0.0), contender.name

    def _expected_cost(self, contender: Contender) -> float | None:
        measured = contender.mean_cost_usd()
        if measured is not None or contender.candidate.cost_usd is None:
            return measured
        return contender.candidate.cost_usd * self._scale

    def _cost_scale(self) -> float:
        """Measured over expected cost, of all that was asked."""
        costed = [c for c in self._all() if c.costed_weight and c.candidate.cost_usd]
        expected = sum(c.costed_weight * (c.candidate.cost_usd or 0.0) for c in costed)
        measured = sum(c.cost_total for c in costed)
        return measured / expected if measured and expected else 1.0

    # -- what is decided --------------------------------------------------------------------------

    def _next_look(self, contender: Contender) -> int:
        look = min(contender.look, len(self.looks) - 1)
        if contender.status == "open" and self.full_grid is None:
            look = self._tests[contender.name].soonest(contender, look)
        return self.looks[look]

    def _open(self, contender: Contender) -> None:
        if self.full_grid is not None:
            return
        if contender.candidate.cost_usd is None:
            self._set(contender, "unpriced", "no price is known for it, so it is never the route")
        elif self._tests[contender.name].hopeless:
            n = len(self.units)
            self._set(contender, "out", f"even {n} of {n} right would not be evidence enough")

    def _settle(self, contender: Contender) -> None:
        """Take every look whose answers are there."""
        while contender.look < len(self.looks):
            units = self.looks[contender.look]
            compared_with = self._reference or contender
            if min(contender.prefix, compared_with.prefix) < units:
                return
            if contender.status == "open" and self.full_grid is None:
                self._judge(contender, units)
            contender.take_look(units)
            self._scale = self._cost_scale()

    def _judge(self, contender: Contender, units: int) -> None:
        planned = self.rule.repeats * len(self._samples)
        missing = contender.missing_until(units)
        if (planned - missing) / planned < self.rule.rule.min_coverage:
            reason = f"{missing} of {planned} calls have no score already"
            self._set(contender, "out", reason)
        elif units == len(self.units):
            self._judge_fully(contender)
        elif self._tests[contender.name].surely_fails(contender, contender.look):
            self._set(contender, "out", f"surely fails after {contender.calls_until(units)} calls")

    def _judge_fully(self, contender: Contender) -> None:
        reference = self._reference.summarise() if self._reference else None
        if self._grid.meets(contender.summarise(), reference):
            self._set(contender, "clears", "meets the rule on the whole suite")
        else:
            self._set(contender, "out", "does not meet the rule on the whole suite")

    def _set(self, contender: Contender, status: Status, reason: str) -> None:
        contender.status = status
        contender.reason = reason

    # -- what is asked in full --------------------------------------------------------------------

    def _why_full_grid(self) -> str | None:
        if self.rule.bar.relative_to == "best":
            return "the bar is relative to the best, who is known only when all are asked"
        if self.rule.bar.relative_to == "reference" and self.rule.reference not in self.contenders:
            return "the bar is relative to the reference, and none is named"
        return None

    def _find_reference(self) -> Contender | None:
        if self.rule.bar.relative_to != "reference" or self.full_grid is not None:
            return None
        return self.contenders[str(self.rule.reference)]

    def _check_score(self, candidate: str, sample_id: str, score: float | None) -> None:
        if score is None:
            return
        where = f"race of {self.task}, {candidate} on sample {sample_id!r}"
        if not 0.0 <= score <= 1.0:
            raise InputError(
                f"the score is {score}, not in 0 to 1", where=where, fix="Mend the metric."
            )
        if self.rule.right_or_wrong and score not in (0.0, 1.0):
            raise InputError(
                f"the score is {score}, but the race was told that answers are right or wrong",
                where=where,
                fix="Race it as scores between 0 and 1, or mend the metric.",
            )
