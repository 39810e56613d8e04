import os
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import cohen_kappa_score

from llmroute.judges.assess import assess
from llmroute.judges.labels import read_labels
from llmroute.judges.table import tabulate
from llmroute.records import Label

PANDALM = (
    Path(os.environ.get("LLMROUTE_REALDATA") or Path(__file__).parents[2] / "../shared/realdata")
    / "judge_pandalm.jsonl.gz"
)
needs_pandalm = pytest.mark.skipif(not PANDALM.is_file(), reason="no PandaLM rows here")


def label(sample, rater, score, **further):
    return Label("mail", sample, "a", rater, float(score), **further)


def labels(rater, scores, **further):
    return [label(f"q{i}", rater, s, **further) for i, s in enumerate(scores) if s is not None]


def only(people, judges=(), levels=None):
    (table,) = tabulate(people, judges, levels or (lambda _: {}))
    return assess(table, resamples=200)


def test_a_judge_is_set_beside_the_majority_and_each_person():
    people = [
        *labels("ann", [1, 1, 0, 0, 1, 0]),
        *labels("bob", [1, 0, 0, 0, 1, 1]),
        *labels("cy", [1, 1, 0, 1, 1, 0]),
    ]
    found = only(people, labels("gpt", [1, 1, 0, 0, 0, 1]))
    gpt = found.judges[0]
    # Majorities: 1 1 0 0 1 0; the judge differs on the last two.
    assert (gpt.n, gpt.n_split, gpt.n_unjudged) == (6, 0, 0)
    assert gpt.majority["accuracy"].value == pytest.approx(4 / 6)
    assert gpt.confusion.levels == ("0", "1")
    assert gpt.confusion.counts == ((2, 1), (1, 2))
    beside = [[1, 1, 0, 0, 1, 0], [1, 0, 0, 0, 1, 1], [1, 1, 0, 1, 1, 0]]
    kappas = [cohen_kappa_score([1, 1, 0, 0, 0, 1], one) for one in beside]
    assert gpt.each["kappa"].value == pytest.approx(np.mean(kappas), abs=1e-12)


def test_a_tie_among_people_is_left_out_and_counted_not_broken():
    people = [*labels("ann", [1, 1, 0, 1]), *labels("bob", [1, 0, 0, 1])]
    found = only(people, labels("gpt", [1, 1, 0, 0]))
    assert (found.judges[0].n, found.judges[0].n_split) == (3, 1)
    assert found.judges[0].majority["accuracy"].value == pytest.approx(2 / 3)
    assert found.judges[0].each["accuracy"].value == pytest.approx((3 + 2) / 8)


def test_an_unreadable_verdict_is_left_out_and_counted():
    found = only(labels("ann", [1, 0, 1]), labels("gpt", [1, None, 1]))
    assert (found.judges[0].n, found.judges[0].n_unjudged) == (2, 1)


def test_one_rater_gives_no_ceiling():
    assert only(labels("ann", [1, 0, 1]), labels("gpt", [1, 0, 1])).people is None


def test_people_are_set_beside_the_rest_of_them():
    people = [
        *labels("ann", [1, 1, 0, 0]),
        *labels("bob", [1, 1, 0, 0]),
        *labels("cy", [1, 0, 0, 1]),
    ]
    found = only(people).people
    # Ann beside bob and cy: they agree on items 1 and 3 only, and ann with them on both.
    # Cy beside ann and bob: 2 of 4. In proportion to items: (2 + 2 + 2) / (2 + 2 + 4).
    assert found.the_rest["accuracy"].value == pytest.approx(6 / 8)
    assert found.each_other["accuracy"].value == pytest.approx((4 + 2 + 2) / 12)


def test_scores_of_many_values_are_a_scale_without_levels():
    rng = np.random.default_rng(0)
    people = [*labels("ann", rng.random(40)), *labels("bob", rng.random(40))]
    found = only(people, labels("gpt", rng.random(40)))
    assert (found.levels, found.alpha_metric) == ((), "interval")
    assert found.judges[0].majority == {}
    assert found.judges[0].confusion is None
    assert abs(found.people.alpha.value) < 0.5


def test_levels_of_the_rubric_that_nobody_said_still_count_for_the_distance():
    levels = {"no": 0.0, "partly": 0.5, "yes": 1.0}
    people, judges = labels("ann", [0, 1, 0.5, 1]), labels("gpt", [0, 1, 1, 1])
    assert only(people, judges, lambda _: levels).levels == ("no", "partly", "yes")


def test_answers_that_stand_for_more_count_for_more():
    people = [label("q1", "ann", 1, weight=9.0), label("q2", "ann", 0, weight=1.0)]
    judges = [label("q1", "gpt", 1), label("q2", "gpt", 1)]
    assert only(people, judges).judges[0].majority["accuracy"].value == pytest.approx(0.9)


def test_the_order_of_labels_changes_nothing():
    rng = np.random.default_rng(2)
    people = [*labels("ann", rng.integers(0, 2, 30)), *labels("bob", rng.integers(0, 2, 30))]
    judges = labels("gpt", rng.integers(0, 2, 30))
    again = only([*people[30:], *people[:30]], judges)
    assert again.people.alpha.value == pytest.approx(only(people, judges).people.alpha.value)


def test_a_panel_is_no_vote_beside_its_members():
    rng = np.random.default_rng(3)
    people = labels("ann", rng.integers(0, 2, 50))
    votes = {name: rng.integers(0, 2, 50) for name in ("x", "y")}
    judges = [label for name, scores in votes.items() for label in labels(name, scores)]
    judges += labels("x + y", (votes["x"] + votes["y"]) / 2)
    found = only(people, judges)
    assert len(found.judges) == 3
    assert found.n_single == 2
    assert found.effective_votes.value <= 2


@needs_pandalm
def test_the_recorded_pairs_are_read_as_they_are():
    read = read_labels([PANDALM])
    (table,) = tabulate(read.people, read.judges)
    found = assess(table, resamples=100)
    assert (found.n_labelled, found.compared, found.levels) == (
        999,
        True,
        ("second", "tie", "first"),
    )
    gpt, panda = found.judges
    assert (gpt.judge, gpt.n, gpt.n_unjudged) == ("gpt-3.5-turbo", 974, 25)
    assert gpt.majority["kappa"].value == pytest.approx(0.492864715, abs=1e-9)
    assert panda.majority["kappa"].value == pytest.approx(0.435354925, abs=1e-9)
    assert found.people.each_other["kappa"].value == pytest.approx(0.864209315, abs=1e-9)
    assert len(np.unique(table.groups)) == 170  # prompts
