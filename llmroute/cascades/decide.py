"""Prompt → who is asked first; prompt and answer → whether the answer stands."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from llmroute.calibration.pair import Query
from llmroute.cascades.artefact import SavedCascade, read_cascade
from llmroute.checks import failed_checks
from llmroute.records import Sample


@dataclass(frozen=True, slots=True)
class Look:
    """What was seen of one answer."""

    stands: bool
    escalation_score: float
    """In [0, 1]."""
    failed_checks: tuple[str, ...]
    reason: str


@dataclass(frozen=True, slots=True, eq=False)
class Cascade:
    """A saved cascade, ready to decide; on doubt, strong.

    >>> cascade = Cascade.load("cascade.json")  # doctest: +SKIP
    >>> cascade.look("How many eggs are left?", "6 * 2 = 13\\n#### 13").stands  # doctest: +SKIP
    False
    """

    saved: SavedCascade

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """The cascade in this file, its arrays beside it.

        Raises:
            InputError: a file is missing, damaged, edited or of a later version.
        """
        return cls(read_cascade(Path(path)))

    def objections(self, texts: Sequence[str]) -> tuple[str | None, ...]:
        """Why each prompt should not be put to the weak model at all, or None."""
        novelty, radius = self.saved.novelty, 1.0
        strange = [0.0] * len(texts)
        if novelty is not None:
            strange, radius = novelty.measure(texts).tolist(), novelty.radius
        return tuple(
            "the prompt is empty: strong, to be safe"
            if not text.strip()
            else f"unlike the training prompts (novelty {share:.2f} > {radius:.2f}):"
            " strong, to be safe"
            if share > radius
            else None
            for text, share in zip(texts, strange, strict=True)
        )

    def look(self, text: str, answer: str | None, task: str | None = None) -> Look:
        """Whether the weak model's answer stands.

        Args:
            text: what was asked.
            answer: what came back; None or blank: nothing did.
            task: the prompt's task, where it is known.
        """
        said = answer if answer is not None and answer.strip() else None
        scores = self.saved.learned.escalation_score([Query(text, task)], [said])
        score, threshold = float(scores[0]), self.saved.routing_threshold
        if said is None:
            return Look(False, score, (), "there is no answer")
        failed = failed_checks(self.saved.learned.checks_of(task), Sample("", text), said)
        if (objection := self.objections([text])[0]) is not None:
            return Look(False, score, failed, objection)
        # `not below` rather than `at or above`: a score that is not a number goes to strong.
        stands = score < threshold
        reason = f"escalation_score {score:.3f} {'<' if stands else '>='} {threshold:.3f}"
        seen = f" ({', '.join(failed)})" if failed else ""
        return Look(stands, score, failed, f"{reason}{seen}")
