"""`builtin/embedding`: the nearest example, sentence or label by sentence embeddings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from llmroute.builtin.ask import read_ask
from llmroute.builtin.similarity import answer_by_nearest
from llmroute.records import Message


@dataclass(frozen=True, slots=True)
class Embedding:
    """Answers with the nearest text the request came with, by a model in a local folder."""

    folder: str
    """A BERT-layout sentence-transformers folder."""
    too_far: float = 0.35
    """Cosine below which a passage is taken not to answer."""

    def answer(self, messages: tuple[Message, ...], labels: tuple[str, ...]) -> str:
        """The nearest example's answer, passage sentence or label; else the lead sentences.

        Raises:
            InputError: the extra `embed` or the model folder is missing.
        """
        from llmroute.embeddings import read_embedder

        embedder = read_embedder(self.folder)

        def compare(text: str, others: Sequence[str]) -> Sequence[float]:
            vectors = embedder.embed([text, *others])
            return [float(cosine) for cosine in vectors[1:] @ vectors[0]]

        return answer_by_nearest(read_ask(messages, labels), compare, too_far=self.too_far)
