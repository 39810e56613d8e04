"""Suite → findings: what would make a bench on it worthless, before a cent is spent."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from math import fsum
from typing import Any, Literal

from rapidfuzz import fuzz, process

from llmroute.errors import InputError
from llmroute.plan.power import POWER, likely_power, samples_needed
from llmroute.records import Plugin, QualityRule, Sample, Suite
from llmroute.sandbox.permission import is_given as code_execution_is_allowed
from llmroute.sandbox.pool import open_pool
from llmroute.scores.score import Scorer, build_scorer
from llmroute.suites.duplicates import MAX_CHARS, near_duplicates, normalise

SHOWN = 10
"""Findings of one kind that are listed one by one; the rest is counted."""
PROBED = 400
"""Samples a constant answer is tried on, evenly spread, in a larger suite."""
BETTER = 0.05
"""How far above the bar a candidate is that the suite should be able to recognise."""
LEAKED_WORDS = 8
"""A target this long that stands in its own prompt can be copied rather than worked out."""
JSON_METRICS = frozenset({"json_fields", "json_schema", "set_f1"})
PATTERN_METRICS = frozenset({"regex"})
DRESSES = ("Answer: TEXT", "\\boxed{TEXT}", "#### TEXT", "```json\nTEXT\n```", "```\nTEXT\n```")


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing a suite's author should know, in the three parts every message has."""

    level: Literal["error", "warning"]
    code: str
    """A stable name for the kind of finding."""
    where: str
    what: str
    fix: str


def lint_suite(
    suite: Suite, rule: QualityRule | None = None, *, floor_quality: float | None = None
) -> tuple[Finding, ...]:
    """Everything that is wrong or doubtful about a suite, errors first.

    Args:
        suite: a suite as it was loaded.
        rule: the run's; its threshold is the bar where the suite names none. A bar relative to
            another candidate is taken as that share of a perfect score.
        floor_quality: mean score of `builtin/rules` on the suite, where it was measured.
    """
    rule = rule or QualityRule()
    bar = (suite.quality_threshold or rule.threshold).value
    findings = [
        *_check_ids(suite),
        *_check_scores(suite, bar),
        *_check_duplicates(suite),
        *_check_examples(suite),
        *_check_labels(suite),
        *_check_leaks(suite),
        *_check_difficulty(suite),
        *_check_size(suite, bar, rule),
        *_check_floor(suite, bar, floor_quality),
    ]
    return tuple(sorted(findings, key=lambda finding: finding.level != "error"))


# -- ids and copies -------------------------------------------------------------------------------


def _check_ids(suite: Suite) -> Iterator[Finding]:
    for sample_id, count in Counter(sample.id for sample in suite.samples).items():
        if count > 1:
            yield Finding(
                "error",
                "repeated_id",
                where(suite, sample_id),
                f"{count} samples carry this id",
                "Give every sample an id of its own; answers are stored under it.",
            )


def _check_duplicates(suite: Suite) -> Iterator[Finding]:
    samples = suite.samples
    inputs = [input_text(sample) for sample in samples]
    contexts = [normalise(context_text(sample)[:MAX_CHARS]) for sample in samples]
    found = [
        (i, j, ratio)
        for i, j, ratio in near_duplicates(inputs)
        if not _same_group(samples[i], samples[j])
        and (contexts[i] == contexts[j] or fuzz.ratio(contexts[i], contexts[j]) >= ratio)
    ]
    yield from _capped(
        suite,
        [
            Finding(
                "error",
                "near_duplicate",
                where(suite, samples[j].id),
                f"the input is {ratio:.0f} % the same as that of sample {samples[i].id!r}",
                "Rewrite or remove one, or give both the same 'group': copies count as one sample.",
            )
            for i, j, ratio in found
        ],
    )


def _check_examples(suite: Suite) -> Iterator[Finding]:
    texts = [*(example.input for example in suite.examples), *map(input_text, suite.samples)]
    n_examples = len(suite.examples)
    pairs = near_duplicates(texts) if n_examples else []
    shown = sorted({j - n_examples for i, j, _ in pairs if i < n_examples <= j})
    for row in shown:
        yield Finding(
            "error",
            "example_is_sample",
            where(suite, suite.samples[row].id),
            "the input is also one of the suite's few-shot examples, with its answer",
            "Take another example, or remove the sample.",
        )


def _same_group(one: Sample, other: Sample) -> bool:
    return one.group is not None and one.group == other.group


# -- targets and constant answers -----------------------------------------------------------------


def _check_scores(suite: Suite, bar: float) -> Iterator[Finding]:
    if not suite.metrics:
        if suite.judge is None:
            yield _finding(
                suite,
                "error",
                "no_metric",
                "nothing scores its answers",
                "Add 'metric:' or 'judge:' to the suite.",
            )
        return
    try:
        scorer = build_scorer(suite)
    except InputError as error:
        yield Finding(
            "error",
            "no_scorer",
            error.where or where(suite),
            error.what,
            error.fix or "Mend the suite's metric.",
        )
        return
    if scorer.runs_code and not code_execution_is_allowed():
        yield _finding(
            suite,
            "warning",
            "not_run",
            "whether its targets pass was not looked at, because that would run them",
            "Add --allow-code-execution to run them in a sandbox.",
        )
        return
    yield from _capped(suite, list(_check_targets(suite, scorer)))
    yield from _check_constants(suite, scorer, bar)


def _check_targets(suite: Suite, scorer: Scorer) -> Iterator[Finding]:
    if any(plugin.name in PATTERN_METRICS for plugin in suite.metrics):
        return  # such a target is a pattern, not an answer
    for sample in suite.samples:
        for text in target_answers(sample.target, suite.metrics):
            value, reason = _best_score(suite, scorer, sample, text)
            if value is None or value < 1 - 1e-9:
                shown = f"{value:.2f}" if value is not None else f"nothing ({reason})"
                yield Finding(
                    "error",
                    "target_fails",
                    where(suite, sample.id),
                    f"its own target {_shorten(text)!r} scores {shown} under the suite's metric",
                    "Correct the target, or the metric and its 'extract' steps.",
                )
                break


def target_answers(target: Any, metrics: Sequence[Plugin]) -> tuple[str, ...]:
    """The answers a target calls right: alternatives one by one, objects and sets as JSON.

    >>> target_answers(["Paris", "paris, France"], (Plugin("exact"),))
    ('Paris', 'paris, France')
    >>> target_answers(["a", "b"], (Plugin("set_f1"),)), target_answers(4.0, (Plugin("numeric"),))
    (('["a", "b"]',), ('4',))
    """
    if target is None:
        return ()
    if isinstance(target, list | tuple) and not any(m.name in JSON_METRICS for m in metrics):
        return tuple(_answer_text(value) for value in target)
    return (_answer_text(target),)


def _answer_text(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return json.dumps(value, ensure_ascii=False, default=str)


def _best_score(
    suite: Suite, scorer: Scorer, sample: Sample, text: str
) -> tuple[float | None, str | None]:
    """The target's score bare, else in the dress the suite's `extract` steps look for."""
    best: tuple[float | None, str | None] = (None, None)
    for shown in _dressed(suite, text):
        score = scorer.score(sample, shown)
        if score.value is not None and score.value >= 1 - 1e-9:
            return score.value, None
        if best[0] is None:
            best = (score.value, score.reason)
    return best


def _dressed(suite: Suite, text: str) -> Iterator[str]:
    """The text bare and, where steps extract it from an answer, in the forms they look for."""
    yield text
    if not suite.extract:
        return
    yield from (form.replace("TEXT", text) for form in DRESSES)
    for step in suite.extract:
        for value in step.params.values():
            if isinstance(value, str):
                yield f"{value} {text}"
                yield json.dumps({value: text})


def _check_constants(suite: Suite, scorer: Scorer, bar: float) -> Iterator[Finding]:
    step = max(1, -(-len(suite.samples) // PROBED))
    probed = suite.samples[::step]
    for name, answer in constant_answers(suite).items():
        mean = mean_score(scorer, probed, answer)
        if mean is not None and mean >= bar:
            yield _finding(
                suite,
                "error",
                "constant_clears",
                f"{name} to every sample scores {mean:.2f} and clears the bar of {bar:g}",
                "Balance the targets, raise the bar, or take a metric that sees the difference.",
            )


def constant_answers(suite: Suite) -> dict[str, str]:
    """Answers that take no model: what they are called → the text."""
    answers = {"an empty answer": "", 'answering "I don\'t know"': "I don't know."}
    answers |= {f"answering {label!r}": label for label in suite.labels}
    texts = [
        text
        for sample in suite.samples
        for text in target_answers(sample.target, suite.metrics)[:1]
    ]
    if texts:
        common = Counter(texts).most_common(1)[0][0]
        middle = _medoid(texts[:: max(1, len(texts) // 300)])
        answers[f"the commonest target {_shorten(common)!r}"] = common
        answers[f"the most typical target {_shorten(middle)!r}"] = middle
    return answers


def mean_score(scorer: Scorer, samples: Iterable[Sample], answer: str) -> float | None:
    """The weighted mean score of one answer to all samples; None where none of it is scored."""
    samples = tuple(samples)
    with open_pool() as pool:
        each = pool.map if scorer.runs_code else map
        scores = list(each(lambda sample: scorer.score(sample, answer), samples))
    scored = [(sample.weight, score.value) for sample, score in zip(samples, scores, strict=True)]
    values = [(weight, value) for weight, value in scored if value is not None]
    total = fsum(weight for weight, _ in values)
    return fsum(weight * value for weight, value in values) / total if total else None


def _medoid(texts: Sequence[str]) -> str:
    cut = [text[:500] for text in texts]
    return texts[int(process.cdist(cut, cut, scorer=fuzz.ratio).sum(1).argmax())]


# -- labels, leaks, difficulty --------------------------------------------------------------------


def _check_labels(suite: Suite) -> Iterator[Finding]:
    if not suite.labels:
        return
    used: Counter[str] = Counter()
    by_fold = {label.casefold(): label for label in suite.labels}
    for sample in suite.samples:
        for text in target_answers(sample.target, suite.metrics):
            label = by_fold.get(text.strip().casefold())
            if label is None:
                yield Finding(
                    "error",
                    "unknown_label",
                    where(suite, sample.id),
                    f"the target {_shorten(text)!r} is none of the labels",
                    "Correct the target, or add it to 'labels:'.",
                )
            else:
                used[label] += 1
    fair = used.total() / len(suite.labels)
    for label in suite.labels:
        if used[label] < fair / 3:
            yield _finding(
                suite,
                "warning",
                "rare_label",
                f"the label {label!r} has {used[label]} samples where an equal share is {fair:.0f}",
                "Add samples of it: a model that never gives it would hardly lose.",
            )


def _check_leaks(suite: Suite) -> Iterator[Finding]:
    found = []
    for sample in suite.samples:
        seen = " ".join(f"{input_text(sample)}\n{context_text(sample)}".split())
        for text in target_answers(sample.target, suite.metrics):
            plain = " ".join(text.split())
            if len(plain.split()) >= LEAKED_WORDS and plain in seen:
                found.append(
                    Finding(
                        "warning",
                        "target_in_prompt",
                        where(suite, sample.id),
                        f"its target {_shorten(text)!r} stands word for word in its prompt",
                        "Check that copying it is what the task is about.",
                    )
                )
                break
    yield from _capped(suite, found)


def _check_difficulty(suite: Suite) -> Iterator[Finding]:
    missing = [sample.id for sample in suite.samples if sample.difficulty is None]
    if missing:
        listed = ", ".join(missing[:5]) + (", …" if len(missing) > 5 else "")
        yield _finding(
            suite,
            "warning",
            "no_difficulty",
            f"{len(missing)} of {len(suite.samples)} samples have no difficulty: {listed}",
            "Add 'difficulty: easy|medium|hard': the report then shows where a model breaks.",
        )


# -- is it enough, is it hard enough --------------------------------------------------------------


def _check_size(suite: Suite, bar: float, rule: QualityRule) -> Iterator[Finding]:
    n = count_clusters(suite)
    groups = f" ({len(suite.samples)} in {n} groups)" if n < len(suite.samples) else ""
    terms = {"better": BETTER, "confidence": rule.confidence, "margin": rule.margin}
    power = likely_power(n, bar, **terms)
    if n and power >= POWER:
        return
    needed = samples_needed(bar, **terms)
    enough = f"about {needed}" if needed else "more than can be had"
    yield _finding(
        suite,
        "warning" if n else "error",
        "too_few_samples",
        f"with {n} independent samples{groups}, a model that is right {min(1, bar + BETTER):.0%} "
        f"of the time is shown to be likely above the bar of {bar:g} in {power:.0%} of benches",
        f"It takes {enough} samples for {POWER:.0%}; fewer if scores are not just right or wrong.",
    )


def count_clusters(suite: Suite) -> int:
    """Independent samples: those of one group count as one."""
    return len({("group", s.group) if s.group else ("id", s.id) for s in suite.samples})


def _check_floor(suite: Suite, bar: float, floor_quality: float | None) -> Iterator[Finding]:
    if floor_quality is not None and floor_quality >= bar:
        yield _finding(
            suite,
            "warning",
            "too_easy",
            f"builtin/rules, a program without a model, scores {floor_quality:.2f} and clears the "
            f"bar of {bar:g}",
            "Add harder samples: this suite cannot tell models apart, or the task needs none.",
        )


# -- texts and places -----------------------------------------------------------------------------


def input_text(sample: Sample) -> str:
    """What is asked, chat turns one after the other."""
    if isinstance(sample.input, str):
        return sample.input
    return "\n".join(message.content for message in sample.input)


def context_text(sample: Sample) -> str:
    """The sample's further texts (its passage, its instruction), one after the other."""
    return "\n".join(value for value in sample.fields.values() if isinstance(value, str))


def where(suite: Suite, sample_id: str | None = None) -> str:
    """The place a finding is about, as messages name it."""
    place = suite.path.as_posix() if suite.path else f"suite {suite.name!r}"
    return place if sample_id is None else f"{place}, sample {sample_id!r}"


def _finding(
    suite: Suite, level: Literal["error", "warning"], code: str, what: str, fix: str
) -> Finding:
    return Finding(level, code, where(suite), what, fix)


def _capped(suite: Suite, findings: Sequence[Finding]) -> Iterator[Finding]:
    by_code: defaultdict[str, list[Finding]] = defaultdict(list)
    for finding in findings:
        by_code[finding.code].append(finding)
    for code, alike in by_code.items():
        yield from alike[:SHOWN]
        if len(alike) > SHOWN:
            more = f"{len(alike) - SHOWN} more of this kind"
            yield _finding(suite, alike[0].level, code, more, alike[0].fix)


def _shorten(text: str) -> str:
    return text if len(text) <= 60 else f"{text[:57]}..."
