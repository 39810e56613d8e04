"""Queries → the columns a linear router weighs: grams, counts, task and sentence vector."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from llmroute.calibration.pair import Floats, Query
from llmroute.embeddings import build_embedder
from llmroute.routers.features import FEATURES, count_features
from llmroute.routers.grams import Vocabulary, read_grams
from llmroute.routers.ridge import Columns
from llmroute.routers.sparse import Rows

WAVES = 1024
"""Random Fourier features that stand for the Gaussian kernel over counts and task."""
LIMIT_SD = 5.0
"""Counts farther than this from the training mean are cut: one odd prompt is not a direction."""


@dataclass(frozen=True, slots=True)
class Reading:
    """Which parts of a query a router looks at."""

    grams: bool = True
    counts: bool = True
    tasks: bool = True
    embedding: str | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Design:
    """What was learned of the training prompts before any score was looked at.

    Every block is of length 1 or so for each query, so that one penalty fits all: TF-IDF rows and
    sentence vectors have length 1, a task is a 1 in its column, and the d counts x stand as
    √(2/m)·cos(x·ω + φ) (Rahimi and Recht 2007) for the kernel exp(−|x − x'|² / 2d), times 1/e
    between tasks: what a long prompt means depends on the task.
    """

    reading: Reading
    vocabulary: Vocabulary
    means: Floats
    scales: Floats
    frequencies: NDArray[np.float32]
    phases: NDArray[np.float32]
    tasks: tuple[str, ...]

    @classmethod
    def learn(cls, reading: Reading, queries: Sequence[Query], seed: int) -> Self:
        """The vocabulary, scales and tasks of these queries."""
        texts = [query.text for query in queries]
        counts = count_features(texts) if reading.counts else np.zeros((1, 0))
        scales = counts.std(axis=0)
        n_counts = counts.shape[1]
        random = np.random.default_rng(seed)
        found = {query.task for query in queries if query.task is not None}
        tasks = tuple(sorted(found)) if reading.tasks and len(found) > 1 else ()
        frequencies = random.standard_normal((n_counts + len(tasks), WAVES))
        frequencies[:n_counts] /= np.sqrt(max(1, n_counts))
        return cls(
            reading,
            Vocabulary.learn(read_grams(texts)) if reading.grams else Vocabulary.none(),
            counts.mean(axis=0),
            np.where(scales > 1e-9, scales, 1.0),
            frequencies.astype(np.float32),
            random.uniform(0, 2 * np.pi, WAVES).astype(np.float32),
            tasks,
        )

    def columns(self, queries: Sequence[Query]) -> Columns:
        """The rows of these queries."""
        texts = [query.text for query in queries]
        sparse = Rows.empty(len(queries), 0)
        if self.reading.grams:
            sparse = self.vocabulary.rows(read_grams(texts))
        tasks = self._task_columns(queries)
        blocks = [tasks]
        if self.reading.counts:
            blocks.append(self._waves(count_features(texts), tasks))
        if self.reading.embedding is not None:
            blocks.append(build_embedder(self.reading.embedding).embed(texts).astype(np.float64))
        return Columns(sparse, np.hstack(blocks))

    def _waves(self, counts: Floats, tasks: Floats) -> Floats:
        scaled = np.clip((counts - self.means) / self.scales, -LIMIT_SD, LIMIT_SD)
        angles = np.hstack([scaled, tasks]) @ self.frequencies + self.phases
        waves: Floats = np.sqrt(2 / WAVES) * np.cos(angles)
        return waves

    def _task_columns(self, queries: Sequence[Query]) -> Floats:
        place = {task: column for column, task in enumerate(self.tasks)}
        columns = np.zeros((len(queries), len(self.tasks)))
        for row, query in enumerate(queries):
            if query.task in place:
                columns[row, place[query.task]] = 1.0
        return columns

    def state(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """JSON values and arrays."""
        reading = self.reading
        values = {
            "grams": reading.grams,
            "counts": reading.counts,
            "tasks": list(self.tasks),
            "reads_tasks": reading.tasks,
            "embedding": reading.embedding,
            "features": list(FEATURES) if reading.counts else [],
        }
        arrays = {
            "gram_hashes": self.vocabulary.hashes,
            "gram_idf": self.vocabulary.idf,
            "count_means": self.means,
            "count_scales": self.scales,
            "count_frequencies": self.frequencies,
            "count_phases": self.phases,
        }
        return values, arrays

    @classmethod
    def from_state(cls, values: dict[str, Any], arrays: dict[str, Any]) -> Self:
        """The design that `state` was taken from."""
        return cls(
            Reading(
                bool(values["grams"]),
                bool(values["counts"]),
                bool(values["reads_tasks"]),
                values["embedding"],
            ),
            Vocabulary(arrays["gram_hashes"], arrays["gram_idf"]),
            arrays["count_means"],
            arrays["count_scales"],
            arrays["count_frequencies"],
            arrays["count_phases"],
            tuple(values["tasks"]),
        )
