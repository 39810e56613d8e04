from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from llmroute import Router
from llmroute.errors import InputError
from llmroute.recogniser.corpus import read_prompts, read_suites
from llmroute.recogniser.fit import with_recogniser
from llmroute.recogniser.trials import Laboratory
from llmroute.records import FittedRecogniser, Outcomes, Prompt, RoutingMap, Suite
from llmroute.routing_map.file import map_to_yaml, read_map
from llmroute.suites.load import load_suites

from .conftest import make_map, make_suites, some_text

SHIPPED = Path(__file__).resolve().parents[2] / "suites"


@pytest.fixture(scope="module")
def fitted(routing_map: RoutingMap, suites: tuple[Suite, ...]) -> RoutingMap:
    return with_recogniser(routing_map, read_suites(suites), embedding="hashed:512")


def learned(routing_map: RoutingMap) -> FittedRecogniser:
    assert routing_map.recogniser is not None
    return routing_map.recogniser


def test_likeness_finds_the_task_of_a_new_text_and_leaves_others_unknown(
    fitted: RoutingMap,
) -> None:
    router = Router.of(fitted)
    rng = np.random.default_rng(9)
    decisions = [router.decide(some_text("refunds", rng, 20)) for _ in range(20)]
    assert [one.task for one in decisions].count("refunds") >= 18
    assert {one.layer for one in decisions} <= {"semantic", "unknown"}
    stranger = router.decide("Which board game is good for two?")
    assert (stranger.layer, stranger.model) == ("unknown", "large")
    assert stranger.similarity is not None
    assert stranger.similarity < learned(fitted).threshold


def test_the_suites_own_words_go_before_likeness(fitted: RoutingMap) -> None:
    router = Router.of(fitted)
    decision = router.decide("Please read this closely: a refund of my broken order")
    assert (decision.task, decision.layer) == ("sums", "rule")
    messages = [
        {"role": "system", "content": "You see to refunds."},
        {"role": "user", "content": "train apples percent speed"},
    ]
    assert router.decide(messages).task == "refunds"


def test_the_figures_are_of_samples_it_had_not_seen(fitted: RoutingMap) -> None:
    recogniser = learned(fitted)
    whole, prompt, bare = recogniser.figures
    assert [one.form for one in recogniser.figures] == ["whole", "prompt", "bare"]
    assert whole.n == prompt.n == bare.n == sum(recogniser.n_samples.values()) == 90
    # Poems have neither a system message nor fixed words: the other two thirds do.
    assert whole.by_rule == pytest.approx(2 / 3)
    assert prompt.by_rule == pytest.approx(1 / 3)
    assert bare.by_rule == 0.0
    assert whole.accuracy > prompt.accuracy > bare.accuracy > 0.7
    n_mistakes = sum(one.n for one in recogniser.confusions if one.form == "bare")
    assert n_mistakes == round(90 * (1 - bare.accuracy))


def test_shuffled_samples_are_recognised_no_better_than_by_chance() -> None:
    rng = np.random.default_rng(5)
    suites = make_suites()
    samples = [sample for suite in suites for sample in suite.samples]
    rng.shuffle(samples)  # type: ignore[arg-type]
    mixed = tuple(
        replace(suite, system=None, prompt="{{ input }}", samples=tuple(samples[i::3]))
        for i, suite in enumerate(suites)
    )
    whole, *_ = learned(
        with_recogniser(make_map(mixed), read_suites(mixed), embedding="hashed:512")
    ).figures
    assert whole.accuracy < 0.45


def test_the_same_samples_in_another_order_teach_the_same(suites: tuple[Suite, ...]) -> None:
    turned = tuple(replace(s, samples=s.samples[::-1]) for s in reversed(suites))
    one, other = (
        learned(with_recogniser(make_map(some), read_suites(some), embedding="hashed:64"))
        for some in (suites, turned)
    )
    assert (one.tasks, one.threshold, one.figures) == (other.tasks, other.threshold, other.figures)


def test_near_duplicates_never_stand_on_both_sides(suites: tuple[Suite, ...]) -> None:
    doubled = tuple(
        replace(s, samples=s.samples + tuple(replace(x, id=f"{x.id}'") for x in s.samples))
        for s in suites
    )
    laboratory = Laboratory(read_suites(doubled), {}, "hashed:64")
    folds = {
        (trial.known.id.rstrip("'"), trial.fold)
        for trial in laboratory.out_of_fold()
        if trial.in_scope
    }
    assert len(folds) == len({sample_id for sample_id, _ in folds}) == 90


def test_a_map_survives_the_disk_with_what_it_learned(fitted: RoutingMap, tmp_path: Path) -> None:
    path = tmp_path / "map.yaml"
    path.write_text(map_to_yaml(fitted))
    read = read_map(path)
    assert learned(read).weights == learned(fitted).weights
    assert map_to_yaml(read) == path.read_text()
    text = "golden autumn moon rose silence"
    one, other = Router.load(path).decide(text), Router.of(fitted).decide(text)
    assert (one.task, one.similarity, one.model) == (other.task, other.similarity, other.model)


@pytest.mark.parametrize(
    "edit",
    [
        ("    threshold: 0.", "    threshold: -0."),
        ("  weights: ", "  weights: AAAA"),
        ("  embedding: hashed:512", "  embedding: hashed:256"),
    ],
)
def test_what_was_learned_is_refused_when_edited(
    edit: tuple[str, str], fitted: RoutingMap, tmp_path: Path
) -> None:
    path = tmp_path / "map.yaml"
    head, _, tail = map_to_yaml(fitted).partition("recogniser:\n")
    old, new = (text.removeprefix("  ") if "threshold" in text else text for text in edit)
    assert old in tail
    path.write_text(f"{head}recogniser:\n{tail.replace(old, new, 1)}")
    with pytest.raises(InputError, match="llmroute map --out"):
        Router.load(path)


def test_too_few_samples_or_one_task_teach_nothing() -> None:
    for suites in (make_suites(3), make_suites(30, ("sums",))):
        routing_map = make_map(suites)
        assert with_recogniser(routing_map, read_suites(suites)) is routing_map


def test_outcomes_without_suites_teach_by_their_prompts(suites: tuple[Suite, ...]) -> None:
    prompts = {
        (s.task, x.id): Prompt(s.task, x.id, str(x.input)) for s in suites for x in s.samples
    }
    corpus = read_prompts(Outcomes((), prompts))
    recogniser = learned(with_recogniser(make_map(suites), corpus, embedding="hashed:512"))
    assert [one.form for one in recogniser.figures] == ["prompt"]
    assert recogniser.n_samples == {"poems": 30, "refunds": 30, "sums": 30}


def test_the_shipped_suites_are_recognised_as_the_issue_asks() -> None:
    suites = load_suites([SHIPPED])
    hard = {"extraction": 0.5, "math_reasoning": 0.4}
    qualities = {
        "small": {s.task: hard.get(s.task, 0.95) for s in suites},
        "large": {s.task: 1.0 for s in suites},
    }
    recogniser = learned(with_recogniser(make_map(suites, qualities), read_suites(suites)))
    whole, prompt, bare = recogniser.figures
    assert whole.accuracy >= 0.95
    assert prompt.accuracy >= 0.95
    assert bare.accuracy >= 0.7
    assert max(one.quality_loss for one in recogniser.figures) <= 0.0025
    background = next(one for one in recogniser.out_of_scope if one.kind == "background")
    assert background.accepted <= 0.15
