"""RoutingMap × Corpus → the map with what its tasks are recognised by."""

from __future__ import annotations

from dataclasses import replace

from llmroute.calibration.split import FOLDS
from llmroute.embeddings import identify_embedder
from llmroute.recogniser.artefact import fingerprint
from llmroute.recogniser.corpus import Corpus
from llmroute.recogniser.costs import MistakeCosts
from llmroute.recogniser.evaluate import (
    choose_threshold,
    find_confusions,
    judge,
    summarise,
    summarise_strangers,
)
from llmroute.recogniser.trials import Laboratory
from llmroute.records import RECOGNISER_EMBEDDING, FittedRecogniser, RoutingMap

LEAST_SAMPLES = 2 * FOLDS
"""Distinct ones; with fewer nothing is learned from them."""


def with_recogniser(
    routing_map: RoutingMap, corpus: Corpus, *, embedding: str = RECOGNISER_EMBEDDING, seed: int = 0
) -> RoutingMap:
    """The map with its recogniser, fitted on all samples and judged on unseen ones.

    A map of one task, or of too few samples, is left as it is.
    """
    tasks = {route.task for route in routing_map.tasks}
    known = tuple(sample for sample in corpus.samples if sample.task in tasks)
    said = tuple(utterance for utterance in corpus.utterances if utterance.task in tasks)
    of_map = Corpus(known, said, corpus.background)
    laboratory = Laboratory(of_map, routing_map.matches, embedding, seed)
    n_distinct = len(set(laboratory.groups.tolist()[: len(known)]))
    if len(laboratory.tasks) < 2 or n_distinct < LEAST_SAMPLES:
        return routing_map
    return replace(routing_map, recogniser=_fit(laboratory, MistakeCosts(routing_map)))


def _fit(laboratory: Laboratory, costs: MistakeCosts) -> FittedRecogniser:
    rule = costs.routing_map.rule
    # What the map's own rule lets through anyway: a route `margin` below the bar, at this risk.
    max_loss = rule.margin * (1 - rule.confidence)
    trials = [*laboratory.out_of_fold(), *laboratory.out_of_scope()]
    judged = judge(trials, costs, max_loss)
    threshold = choose_threshold(trials, costs, max_loss)
    learned = laboratory.fit()
    embedding_id = identify_embedder(laboratory.embedding)
    weights = learned.packed()
    return FittedRecogniser(
        tasks=learned.tasks,
        embedding=learned.embedding,
        embedding_id=embedding_id,
        threshold=threshold,
        n_samples=laboratory.n_samples,
        figures=tuple(
            summarise(judged, form, costs)
            for form in dict.fromkeys(trial.form for trial in trials if trial.in_scope)
        ),
        confusions=find_confusions(judged, costs),
        out_of_scope=summarise_strangers(judged, costs),
        weights=weights,
        sha256=fingerprint(learned.tasks, learned.embedding, embedding_id, threshold, weights),
    )
