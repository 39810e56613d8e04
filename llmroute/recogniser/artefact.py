"""FittedRecogniser, as it stands in a map → Learned, which measures likeness by it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Self

from llmroute.digest import digest
from llmroute.errors import InputError
from llmroute.records import FittedRecogniser

if TYPE_CHECKING:
    from llmroute.recogniser.semantic import Floats, Semantic


def fingerprint(
    tasks: Sequence[str], embedding: str, embedding_id: str, threshold: float, weights: str
) -> str:
    """SHA-256 of all that decides: an edit shows."""
    return digest([tasks, embedding, embedding_id, threshold, weights])


@dataclass(frozen=True)
class Learned:
    """The semantic layer of a map; its weights are read, and numpy with them, when first asked."""

    fitted: FittedRecogniser
    where: str

    @classmethod
    def of(cls, fitted: FittedRecogniser, where: str) -> Self:
        """The layer of a map, which is as it was written.

        Raises:
            InputError: it was edited.
        """
        learned = cls(fitted, where)
        decides = (fitted.threshold, fitted.weights)
        if fitted.sha256 != fingerprint(
            fitted.tasks, fitted.embedding, fitted.embedding_id, *decides
        ):
            raise learned._refused("it is not what was saved")
        return learned

    @property
    def tasks(self) -> tuple[str, ...]:
        """Those it knows samples of."""
        return self.fitted.tasks

    @property
    def threshold(self) -> float:
        """A similarity from which a request is taken for a task's."""
        return self.fitted.threshold

    def similarities(self, texts: Sequence[str]) -> Floats:
        """Shape (n_texts, n_tasks): about 1 for a text like the task's, about 0 for another's.

        Raises:
            InputError: the weights are damaged, or the embedder is another one now.
        """
        return self._semantic.similarities(texts)

    @cached_property
    def _semantic(self) -> Semantic:
        from llmroute.embeddings import identify_embedder
        from llmroute.recogniser.semantic import Semantic

        fitted = self.fitted
        if identify_embedder(fitted.embedding) != fitted.embedding_id:
            raise self._refused(f"the model behind {fitted.embedding!r} is another one now")
        try:
            return Semantic.unpacked(
                fitted.weights, fitted.tasks, fitted.embedding, fitted.threshold
            )
        except ValueError as error:
            raise self._refused(str(error)) from error

    def _refused(self, what: str) -> InputError:
        return InputError(
            f"what the map recognises tasks by is refused: {what}",
            where=f"{self.where}, recogniser",
            fix="Make the map again: llmroute map --out FOLDER. This part is not written by hand.",
        )
