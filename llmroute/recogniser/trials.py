"""Corpus → Trials: every sample recognised by what had not seen it, or its whole task."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from llmroute.calibration.groups import near_duplicate_groups
from llmroute.calibration.pair import Ints
from llmroute.calibration.split import FOLDS, split_groups
from llmroute.digest import digest
from llmroute.embeddings import build_embedder
from llmroute.recogniser.corpus import Corpus, Form, Known
from llmroute.recogniser.recognise import Recogniser, Recognition
from llmroute.recogniser.semantic import Floats, Semantic
from llmroute.records import Match


@dataclass(frozen=True, slots=True)
class Trial:
    """One request of known task, as it was recognised without a threshold."""

    known: Known
    form: Form
    fold: int
    """What was left out so that it was not seen; thresholds it is judged at don't see it either."""
    in_scope: bool
    """Whether its task was among those it could be taken for."""
    found: Recognition

    @property
    def similarity(self) -> float:
        """To the likeliest task; infinite where rules decided, and −infinite where nothing did."""
        if self.found.layer == "semantic" and self.found.similarity is not None:
            return self.found.similarity
        return -np.inf if self.found.task is None else np.inf

    def recognised(self, threshold: float) -> str | None:
        """The task it is taken for at this threshold."""
        return self.found.task if self.similarity >= threshold else None


@dataclass(frozen=True, slots=True)
class Lookup:
    """Similarities that are known already, of texts that will be asked for."""

    tasks: tuple[str, ...]
    scores: Mapping[str, Sequence[float]]
    threshold: float = -np.inf

    def similarities(self, texts: Sequence[str]) -> Floats:
        """Shape (n_texts, n_tasks)."""
        return np.array([self.scores[text] for text in texts], np.float64)


@dataclass(frozen=True)
class Laboratory:
    """A corpus, embedded once, on which recognisers are fitted and tried."""

    corpus: Corpus
    matches: Mapping[str, Match]
    embedding: str
    seed: int = 0

    @property
    def tasks(self) -> tuple[str, ...]:
        """Those with samples, sorted."""
        return tuple(self.n_samples)

    @cached_property
    def n_samples(self) -> Mapping[str, int]:
        """Task → how many samples it has, sorted by task."""
        return dict(sorted(Counter(known.task for known in self.corpus.samples).items()))

    @cached_property
    def groups(self) -> Ints:
        """The group of each sample and background request: near-duplicates, and suites' groups."""
        judged = self._judged
        texts = [list(known.requests.values())[-1].read for known in judged]
        given = [known.group and f"{known.task}/{known.group}" for known in judged]
        return near_duplicate_groups(texts, given)

    def fit(self, known: Sequence[Known] | None = None) -> Semantic:
        """What is learned from these requests (default: all), and the utterances of their tasks."""
        learned = self._judged if known is None else known
        tasks = {one.task for one in learned}
        said = [one for one in self.corpus.utterances if one.task in tasks]
        rows = [
            (text, one.task)
            for one in (*learned, *said)
            for text in dict.fromkeys(request.read for request in one.requests.values())
        ]
        vectors = np.stack([self._vectors[text] for text, _ in rows])
        return Semantic.fit(vectors, [task for _, task in rows], self.embedding)

    def out_of_fold(self) -> list[Trial]:
        """Each sample and background request, recognised by what was learned without its group.

        Raises:
            InputError: there are fewer groups than folds.
        """
        judged = self._judged
        ids = [f"{known.task}/{known.id}" for known in judged]
        trials = []
        for number, fold in enumerate(split_groups(ids, self.groups, seed=self.seed)):
            learned = self.fit([judged[row] for row in fold.train])
            trials += self._try(learned, [judged[row] for row in fold.test], self.tasks, number)
        return trials

    def out_of_scope(self) -> list[Trial]:
        """Each sample, where its task, and up to a fifth of the others, is not known at all."""
        n_parts = min(FOLDS, len(self.tasks)) if len(self.tasks) > 2 else 0
        shuffled = sorted(self.tasks, key=lambda task: digest([self.seed, task]))
        trials = []
        for part in range(n_parts):
            out = shuffled[part::n_parts]
            learned = self.fit([known for known in self._judged if known.task not in out])
            strangers = [known for known in self.corpus.samples if known.task in out]
            left = [task for task in self.tasks if task not in out]
            trials += self._try(learned, strangers, left, part)
        return trials

    @property
    def _judged(self) -> tuple[Known, ...]:
        return (*self.corpus.samples, *self.corpus.background)

    @cached_property
    def _vectors(self) -> Mapping[str, NDArray[np.float32]]:
        """Each text that is read, and its vector."""
        everything = (*self._judged, *self.corpus.utterances)
        read = (request.read for known in everything for request in known.requests.values())
        texts = list(dict.fromkeys(read))
        return dict(zip(texts, build_embedder(self.embedding).embed(texts), strict=True))

    def _try(
        self, learned: Semantic, unseen: Sequence[Known], tasks: Sequence[str], fold: int
    ) -> list[Trial]:
        # A stranger's system message says nothing: with it and without, it is the same request.
        rows = [
            (known, form)
            for known in unseen
            for form in known.requests
            if known.task in tasks or form != "whole"
        ]
        requests = [known.requests[form] for known, form in rows]
        texts = list(dict.fromkeys(request.read for request in requests))
        scores = learned.score(np.stack([self._vectors[text] for text in texts])).tolist()
        lookup = Lookup(learned.tasks, dict(zip(texts, scores, strict=True)))
        recogniser = Recogniser.of(tasks, self.matches, lookup)
        found = recogniser.recognise_many(requests, [()] * len(requests))
        return [
            Trial(known, form, fold, known.task in tasks, one)
            for (known, form), one in zip(rows, found, strict=True)
        ]
