"""Ask → the nearest text it came with: an example's answer, a sentence, a label."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from llmroute.builtin.ask import Ask
from llmroute.builtin.labels import define_labels
from llmroute.builtin.passage import read_refusal
from llmroute.builtin.summary import lead_sentences
from llmroute.builtin.words import split_sentences

Similarity = Callable[[str, Sequence[str]], Sequence[float]]
"""(text, others) → how near each other is, at most 1.0."""

MAX_SENTENCES = 200


def answer_by_nearest(ask: Ask, similarity: Similarity, *, too_far: float) -> str:
    """The nearest passage sentence, example answer or label; the lead where there is none.

    Args:
        ask: the request.
        similarity: how near texts are.
        too_far: below this similarity a passage does not answer, and the prompt's own words for
            "it is not in there" are the answer.
    """
    if ask.question and ask.body and not ask.labels:
        return _answer_from_sentences(ask, similarity, too_far)
    if ask.examples:
        return _copy_nearest_example(ask, similarity)
    if ask.labels:
        return _choose_nearest_label(ask, similarity)
    return lead_sentences(ask)


def _answer_from_sentences(ask: Ask, similarity: Similarity, too_far: float) -> str:
    sentences = split_sentences(ask.body)[:MAX_SENTENCES]
    near = similarity(ask.question, sentences)
    best = max(range(len(near)), key=near.__getitem__)
    refusal = read_refusal(ask.instructions)
    return refusal if refusal and near[best] < too_far else sentences[best]


def _copy_nearest_example(ask: Ask, similarity: Similarity) -> str:
    near = similarity(ask.body or ask.question, [example.input for example in ask.examples])
    return ask.examples[max(range(len(near)), key=near.__getitem__)].target


def _choose_nearest_label(ask: Ask, similarity: Similarity) -> str:
    texts = [f"{name.replace('_', ' ')} {said}" for name, said in define_labels(ask).items()]
    near = similarity(ask.body or ask.everything, texts)
    return ask.labels[max(range(len(near)), key=near.__getitem__)]
