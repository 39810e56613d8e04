from collections import Counter

import numpy as np
import pytest

from llmroute.judges.labels import answer_key
from llmroute.judges.recorded import (
    answer_items,
    answer_keys,
    check_known,
    recorded_verdicts,
    rivals_of,
)
from llmroute.judges.sample import draw_sample, is_near
from llmroute.records import Label, Outcome, Outcomes, Prompt


def judged(n=200, **further):
    """Two candidates; every fourth answer is middling, the others clear."""
    rows = [
        Outcome("mail", f"q{i}", name, score=(0.75 if i % 4 == 0 else float(i % 3 > 0)),
                answered=True, output=f"{name} {i}", judge="gpt", **further)
        for name in ("a", "b")
        for i in range(n)
    ]  # fmt: skip
    prompts = {("mail", f"q{i}"): Prompt("mail", f"q{i}", f"Prompt {i}") for i in range(n)}
    return Outcomes(tuple(rows), prompts)


def draw(outcomes, n, seed=0, **options):
    options = {"tasks": ["mail"], "bars": {"mail": 0.85}} | options
    return draw_sample(outcomes, n, rng=np.random.default_rng(seed), **options)


def test_half_of_the_sample_is_near_the_boundary_and_candidates_keep_their_shares():
    outcomes = judged()
    rows = {(r.sample_id, r.candidate): r for r in outcomes.rows}
    drawn = draw(outcomes, 60)
    near = [is_near(rows[one.key[1], one.key[2]], 0.85) for one in drawn]
    assert (len(drawn), sum(near)) == (60, 30)
    assert Counter(one.key[2] for one in drawn) == {"a": 30, "b": 30}
    clear = Counter(rows[one.key[1], one.key[2]].score for one in drawn)
    assert clear[1.0] == pytest.approx(30 * 2 / 3, abs=1)


def test_weights_make_the_sample_stand_for_all_answers():
    outcomes = judged()
    rows = {(r.sample_id, r.candidate): r for r in outcomes.rows}
    truth = np.mean([row.score for row in outcomes.rows])
    estimates = []
    for seed in range(200):
        drawn = draw(outcomes, 40, seed)
        assert sum(one.weight for one in drawn) == pytest.approx(400)
        scores = [rows[one.key[1], one.key[2]].score for one in drawn]
        estimates.append(np.average(scores, weights=[one.weight for one in drawn]))
    assert np.mean(estimates) == pytest.approx(truth, abs=0.005)


def test_the_same_seed_draws_the_same_sample_and_another_seed_another():
    assert draw(judged(), 30, 1) == draw(judged(), 30, 1)
    assert draw(judged(), 30, 1) != draw(judged(), 30, 2)


def test_a_sample_as_large_as_the_run_is_the_run():
    drawn = draw(judged(10), 500)
    assert len(drawn) == 20
    assert {one.weight for one in drawn} == {1.0}


def test_what_was_not_answered_is_not_drawn():
    outcomes = judged(5)
    silent = Outcome("mail", "q9", "a", reason="timed_out")
    assert len(draw(Outcomes((*outcomes.rows, silent), outcomes.prompts), 100)) == 10


def test_split_panels_and_flipped_comparisons_are_near_the_boundary():
    split = Outcome("t", "s", "a", score=1.0, parts={"judge x": 1.0, "judge y": 0.0})
    flipped = Outcome("t", "s", "a", score=0.5, parts={"flipped": 1.0})
    agreed = Outcome("t", "s", "a", score=1.0, parts={"judge x": 1.0, "judge y": 1.0})
    assert [is_near(row, 0.85) for row in (split, flipped, agreed)] == [True, True, False]


def test_compared_answers_stand_in_either_order_as_often():
    outcomes = judged(100, parts={"flipped": 0.0})
    drawn = draw(outcomes, 400, rivals={"mail": "b"})
    pairs = [one for one in drawn if one.other_answer is not None]
    assert len(pairs) == 100  # the reference is not compared with itself
    first = Counter(one.key[2] for one in pairs)
    assert 30 < first["a"] < 70
    assert all(one.answer.startswith(one.key[2]) for one in pairs)
    items = answer_items(answer_keys(outcomes.rows, {"mail": "b"}))
    assert {one.key for one in drawn} <= set(items.values())


def test_verdicts_of_a_panel_and_of_its_members_are_recorded():
    row = Outcome("t", "s", "a", score=0.5, judge="x + y", parts={"judge x": 1.0, "judge y": 0.0})
    found = recorded_verdicts([row, Outcome("t", "s", "b", score=1.0)], {})
    assert [(one.rater, one.score) for one in found] == [("x", 1.0), ("y", 0.0), ("x + y", 0.5)]


def test_a_comparison_with_the_reference_meets_labels_in_either_order():
    row = Outcome("t", "s", "z", score=1.0, judge="x", parts={"flipped": 0.0}, answered=True)
    rivals = rivals_of([row], {}, "ref")
    assert rivals == {"t": "ref"}
    (found,) = recorded_verdicts([row], rivals)
    assert (found.candidate, found.rival, found.score) == ("ref", "z", 0.0)
    assert answer_key(found) in answer_keys([row], rivals)


def test_labels_for_unknown_answers_are_refused_with_the_closest_name():
    known = answer_keys(judged(3).rows, {})
    lost = [
        Label("mial", "q1", "a", "ann", 1.0, where="f.csv:2"),
        Label("mail", "q9", "a", "ann", 1.0, where="f.csv:3"),
        Label("mail", "q1", "a", "ann", 1.0, repeat=4, where="f.csv:4"),
    ]
    with pytest.raises(Exception, match="unknown task 'mial'") as caught:
        check_known(lost, known, "run r1")
    message = str(caught.value)
    assert message.startswith("f.csv:2: unknown task 'mial'. Did you mean 'mail'?")
    assert "f.csv:3: unknown sample 'q9'" in message
    assert "f.csv:4: no answer of 'a' to 'q1' as repeat 4" in message
    assert "The answers come from run r1" in message
