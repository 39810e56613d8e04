"""The fitted scorer of weak answers: prompts, answers and checks on them → the expected gap."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np

from llmroute.calibration.cascade import no_answers
from llmroute.calibration.pair import Floats, Pair, Query
from llmroute.cascades.trees import Trees
from llmroute.checks import CHECKS, Check, build_checks, run_checks
from llmroute.errors import InputError
from llmroute.records import Plugin, Sample
from llmroute.routers.design import Design, Reading
from llmroute.routers.grams import Vocabulary, read_grams
from llmroute.routers.remember import read_each
from llmroute.routers.ridge import Columns, Weights, solve_ridge
from llmroute.routers.scale import learnable_gaps, win_rates
from llmroute.routers.sparse import Rows

if TYPE_CHECKING:
    from numpy.typing import NDArray

WORDS = (1, 2)
LIMIT_SD = 5.0
"""Check values farther than this from the training mean are cut, as for routers."""


@dataclass
class AnswerScorer:
    """The mean of two predictions of the gap: trees on the checks, and a ridge on checks and text.

    The ridge sees of the prompt what the router `tfidf` sees, and the answer's words beside it. Two
    members, because they err differently: on GSM8K their mean is above either. They weigh the same
    and the penalty is a prior, so nothing is tuned.

    Source: FrugalGPT (2305.05176) scores answers with a fitted model; the checks are ours.
    """

    name: ClassVar[str] = "answer_scorer"

    checks: tuple[str, ...] = tuple(CHECKS.table)
    """By name, without parameters."""
    task_checks: Mapping[str, Sequence[Plugin]] = field(default_factory=dict)
    """Task → the checks its suite names: they stand in for `checks` on its rows."""
    text: bool = True
    """Whether the prompt and the answer's words count beside checks."""
    penalty: float = 10.0
    """Prior ratio of noise to what words of length 1 explain; checks may explain twice as much."""
    n_trees: int = 100

    trees_: Trees = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self.checks = tuple(self.checks)
        if not self.penalty > 0:
            raise ValueError("penalty must be above 0")
        if not self.checks or self.n_trees < 1:
            raise ValueError("a scorer needs a check and a tree at least")
        self._checks = build_checks([Plugin(name) for name in self.checks])
        self._task_checks = {
            task: build_checks(plugins) for task, plugins in sorted(self.task_checks.items())
        }
        self.feature_names = self._name_features()

    def _name_features(self) -> tuple[str, ...]:
        """ "check.feature" of all checks, in the order of the columns."""
        names: dict[str, None] = {}
        for checks in (self._checks, *self._task_checks.values()):
            for name, check in checks.items():
                names |= dict.fromkeys(f"{name}.{feature}" for feature in check.features)
        return tuple(names)

    def checks_of(self, task: str | None) -> Mapping[str, Check]:
        """The checks its suite names for the task, else those of `checks`."""
        return self._task_checks.get(task or "", self._checks)

    def fit(self, pair: Pair, *, samples: Sequence[Sample] | None = None, seed: int = 0) -> Self:
        """Learn from the rows whose weak answer is kept.

        Args:
            pair: the scored queries, with answers.
            samples: what checks may read beside the prompt (labels, passage, schema,
                log-probabilities), one a row; a target in them is never looked at.
            seed: of the trees.

        Raises:
            InputError: no row has an answer, or a score is missing.
        """
        if not any(answer is not None for answer in pair.weak_answers):
            raise no_answers(pair.weak)
        kept = [row for row, answer in enumerate(pair.weak_answers) if answer is not None]
        known = pair.rows(kept)
        gaps = learnable_gaps(known)
        answers = [answer or "" for answer in known.weak_answers]
        seen = self._features(known.queries, answers, _chosen(samples, kept))
        self.means_ = seen.mean(axis=0)
        spread = seen.std(axis=0)
        self.inverse_sds_ = np.where(spread > 1e-9, 1 / np.maximum(spread, 1e-9), 0.0)
        dense = self._scaled(seen)
        reading = Reading(grams=self.text, counts=self.text, tasks=self.text)
        self.design_ = Design.learn(reading, known.queries, seed)
        self.answer_words_ = Vocabulary.none()
        if self.text:
            self.answer_words_ = Vocabulary.learn(_words(answers))
        columns = self._columns(known.queries, answers, dense)
        self.weights_ = solve_ridge(columns, gaps, self.penalty)
        self.trees_ = Trees.learn(seen, gaps, n_trees=self.n_trees, seed=seed)
        return self

    def escalation_score(
        self,
        queries: Sequence[Query],
        answers: Sequence[str | None],
        *,
        samples: Sequence[Sample] | None = None,
    ) -> Floats:
        """Shape (n,), in [0, 1]; 1 where there is no answer."""
        members = self.member_gaps(queries, [answer or "" for answer in answers], samples)
        scores = win_rates(np.mean(members, axis=0))
        scores[[answer is None for answer in answers]] = 1.0
        return scores

    def member_gaps(
        self,
        queries: Sequence[Query],
        answers: Sequence[str],
        samples: Sequence[Sample] | None = None,
    ) -> tuple[Floats, Floats]:
        """What the trees and the ridge each expect of the gap, shape (n,) each."""
        seen = self._features(queries, answers, samples)
        columns = self._columns(queries, answers, self._scaled(seen))
        return self.trees_.predict(seen), self.weights_.predict(columns)

    def _features(
        self, queries: Sequence[Query], answers: Sequence[str], samples: Sequence[Sample] | None
    ) -> Floats:
        if samples is not None:
            rows = [
                self._row(sample, query.task, answer)
                for sample, query, answer in zip(samples, queries, answers, strict=True)
            ]
        else:
            rows = self._remembered_rows(queries, answers)
        return np.array(rows, np.float64).reshape(len(queries), len(self.feature_names))

    def _remembered_rows(
        self, queries: Sequence[Query], answers: Sequence[str]
    ) -> list[tuple[float, ...]]:
        pairs = list(zip(queries, answers, strict=True))
        texts = [f"{query.task}\0{query.text}\0{answer}" for query, answer in pairs]
        place = dict(zip(texts, pairs, strict=True))

        def read(some: Sequence[str]) -> list[tuple[float, ...]]:
            seen = (place[text] for text in some)
            return [self._row(Sample("", query.text), query.task, said) for query, said in seen]

        return read_each(f"checks {self.checks} {self._task_checks}", texts, read)

    def _row(self, sample: Sample, task: str | None, answer: str) -> tuple[float, ...]:
        """What the task's checks see; a feature that none of them has is 0."""
        seen = run_checks(self.checks_of(task), sample, answer)
        return tuple(seen.get(name, 0.0) for name in self.feature_names)

    def _scaled(self, seen: Floats) -> Floats:
        """The checks in standard deviations, rows of length about √2."""
        scaled = np.clip((seen - self.means_) * self.inverse_sds_, -LIMIT_SD, LIMIT_SD)
        n_varied = max(1, int((self.inverse_sds_ > 0).sum()))
        rows: Floats = scaled * np.sqrt(2 / n_varied)
        return rows

    def _columns(self, queries: Sequence[Query], answers: Sequence[str], dense: Floats) -> Columns:
        if not self.text:
            return Columns(Rows.empty(len(queries), 0), dense)
        asked = self.design_.columns(queries)
        words = self.answer_words_.rows(_words(answers))
        return Columns(_side_by_side(asked.sparse, words), np.hstack([dense, asked.dense]))

    def state(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """Parameters and what was learned; word weights to seven digits."""
        design, design_arrays = self.design_.state()
        values = {
            "design": design,
            "checks": list(self.checks),
            "task_checks": [
                [task, [[plugin.name, dict(plugin.params)] for plugin in plugins]]
                for task, plugins in sorted(self.task_checks.items())
            ],
            "text": self.text,
            "penalty": self.penalty,
            "n_trees": self.n_trees,
            "features": list(self.feature_names),
            "intercept": self.weights_.intercept,
        }
        arrays = {
            "check_means": self.means_,
            "check_inverse_sds": self.inverse_sds_,
            "dense_weights": self.weights_.dense,
            "word_weights": self.weights_.sparse.astype(np.float32),
            "answer_hashes": self.answer_words_.hashes,
            "answer_idf": self.answer_words_.idf,
        }
        return values, arrays | design_arrays | self.trees_.arrays()

    @classmethod
    def from_state(cls, values: dict[str, Any], arrays: dict[str, Any]) -> Self:
        """The scorer that `state` was taken from.

        Raises:
            UnknownName: a check is not installed.
            InputError: a check now looks at other things than when the scorer was fitted.
        """
        params = {name: values[name] for name in ("text", "penalty", "n_trees")}
        task_checks = {
            task: tuple(Plugin(name, checked) for name, checked in plugins)
            for task, plugins in values["task_checks"]
        }
        scorer = cls(checks=tuple(values["checks"]), task_checks=task_checks, **params)
        if list(scorer.feature_names) != list(values["features"]):
            raise InputError(
                "the checks of this version are not those the cascade was fitted with",
                fix="Run `llmroute calibrate` again.",
            )
        scorer.means_, scorer.inverse_sds_ = arrays["check_means"], arrays["check_inverse_sds"]
        scorer.design_ = Design.from_state(values["design"], arrays)
        scorer.answer_words_ = Vocabulary(arrays["answer_hashes"], arrays["answer_idf"])
        scorer.weights_ = Weights(
            values["intercept"], arrays["word_weights"], arrays["dense_weights"]
        )
        scorer.trees_ = Trees.from_arrays(arrays, len(scorer.feature_names))
        scorer._check_shapes()
        return scorer

    def _check_shapes(self) -> None:
        checked = (len(self.feature_names),)
        sound = self.means_.shape == self.inverse_sds_.shape == checked
        one = self._columns([Query("")], [""], np.zeros((1, *checked))) if sound else None
        if one is None or (
            self.weights_.sparse.shape != (one.sparse.n_columns,)
            or self.weights_.dense.shape != (one.dense.shape[1],)
        ):
            raise InputError(
                "the arrays of a cascade do not fit together",
                fix="Run `llmroute calibrate` again: the file was edited.",
            )


def _chosen(samples: Sequence[Sample] | None, rows: Sequence[int]) -> list[Sample] | None:
    return None if samples is None else [samples[row] for row in rows]


def _words(texts: Sequence[str]) -> Any:
    return read_grams(texts, words=WORDS, chars=())


def _side_by_side(left: Rows, right: Rows) -> Rows:
    """The columns of both, left ones first."""
    row_of = np.concatenate([left.row_of, right.row_of])
    order: NDArray[np.intp] = np.argsort(row_of, kind="stable")
    columns = np.concatenate([left.columns, right.columns + left.n_columns])[order]
    values = np.concatenate([left.values, right.values])[order]
    n_columns = left.n_columns + right.n_columns
    return Rows.of(values, columns, row_of[order], len(left), n_columns)
