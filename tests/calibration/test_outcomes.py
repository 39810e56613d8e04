from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from llmroute.calibration.outcomes import read_candidates, read_pair
from llmroute.errors import InputError, LlmrouteError, UnknownName
from llmroute.outcomes import read_outcomes
from llmroute.records import Outcome, Outcomes, Price, Prompt, Usage

WORDS = ("alder", "birch", "cedar", "daisy", "elder", "fern", "grape", "hazel", "iris", "juniper")


def prompt_text(i: int) -> str:
    return " ".join(WORDS[(i * 7 + k * k * (i + 3)) % 10] + str(i * k) for k in range(6))


@pytest.fixture
def outcomes() -> Outcomes:
    """60 prompts: the small model is right on 20, the large one on all but five of these."""
    rows, prompts = [], {}
    for i in range(60):
        for name, score in (("small", float(i < 20)), ("large", float(i >= 5))):
            rows.append(
                Outcome("sums", f"s{i:02d}", name, score=score, answered=True, output=f"{name} {i}")
            )
        prompts["sums", f"s{i:02d}"] = Prompt("sums", f"s{i:02d}", prompt_text(i))
    return Outcomes(tuple(rows), prompts)


def changed(outcomes: Outcomes, change) -> Outcomes:
    """`change` gives each row's replacement, or None to drop it."""
    rows = [change(row) for row in outcomes.rows]
    return Outcomes(tuple(row for row in rows if row is not None), outcomes.prompts)


def read(outcomes: Outcomes, **options):
    return read_pair(outcomes, "small", "large", prices={}, **options)


def test_a_pair_holds_scores_texts_and_the_weak_answers(outcomes):
    pair = read(outcomes)
    assert len(pair) == 60
    assert pair.ids[:2] == ("s00", "s01")
    assert pair.queries[3].text == prompt_text(3)
    assert pair.queries[3].task == "sums"
    assert pair.weak_scores.sum() == 20
    assert pair.strong_scores.sum() == 55
    assert pair.weak_answers[7] == "small 7"


def test_only_queries_both_have_a_score_on_count(outcomes):
    def lose(row):
        if row.sample_id == "s30" and row.candidate == "large":
            return replace(row, score=None, answered=False, reason="timed_out")
        return None if (row.sample_id, row.candidate) == ("s31", "small") else row

    pair = read(changed(outcomes, lose))
    assert len(pair) == 58
    assert not {"s30", "s31"} & set(pair.ids)


def test_the_order_of_the_outcomes_makes_no_difference(outcomes):
    backwards = Outcomes(tuple(reversed(outcomes.rows)), outcomes.prompts)
    one, other = read(outcomes), read(backwards)
    assert one.ids == other.ids
    assert one.groups.tolist() == other.groups.tolist()
    assert one.gaps.tolist() == other.gaps.tolist()


def test_recorded_costs_come_first_then_tokens_then_list_prices(outcomes):
    prices = {"small": Price(1.0, 1.0), "large": Price(10.0, 30.0)}
    recorded = changed(outcomes, lambda r: replace(r, recorded_cost_usd=0.5, usage=Usage(100, 100)))
    counted = changed(outcomes, lambda r: replace(r, usage=Usage(100, 100)))

    def costs(some):
        pair = read_pair(some, "small", "large", prices=prices)
        return float(pair.weak_costs_usd[0]), float(pair.strong_costs_usd[0])

    assert costs(recorded) == (0.5, 0.5)
    assert costs(counted) == pytest.approx((0.0002, 0.004))
    assert costs(outcomes) == pytest.approx((0.001, 0.015))  # a thousand tokens, three in one out


def test_an_unknown_price_is_not_a_number_and_never_zero(outcomes):
    assert np.isnan(read(outcomes).weak_costs_usd).all()


def test_a_cost_that_is_missing_here_and_there_is_the_mean(outcomes):
    def cost(row):
        known = row.sample_id != "s40" or row.candidate != "large"
        return replace(row, recorded_cost_usd=0.2 if known else None)

    assert read(changed(outcomes, cost)).strong_costs_usd == pytest.approx(0.2)


def test_repeats_are_averaged(outcomes):
    again = tuple(replace(row, repeat=1, score=1.0) for row in outcomes.rows)
    pair = read(Outcomes(outcomes.rows + again, outcomes.prompts))
    assert len(pair) == 60
    assert set(pair.weak_scores) == {0.5, 1.0}


def test_near_duplicates_and_given_groups_are_one_group(outcomes):
    prompts = dict(outcomes.prompts)
    prompts["sums", "s01"] = Prompt("sums", "s01", prompt_text(0).upper() + "!")
    rows = tuple(
        replace(row, group="g") if row.sample_id in ("s50", "s51") else row for row in outcomes.rows
    )
    pair = read(Outcomes(rows, prompts))
    assert pair.groups[0] == pair.groups[1]
    assert pair.groups[50] == pair.groups[51]
    assert len(set(pair.groups.tolist())) == 58


def test_ids_that_two_tasks_share_are_told_apart(outcomes):
    other = tuple(replace(row, task="words") for row in outcomes.rows)
    prompts = {
        **outcomes.prompts,
        **{("words", k): replace(p, task="words") for (_, k), p in outcomes.prompts.items()},
    }
    both = Outcomes(outcomes.rows + other, prompts)
    pair = read(both)
    assert pair.ids[0] == "sums/s00"
    assert len(set(pair.ids)) == 120
    assert len(read(both, task="words")) == 60


def fault_of(outcomes, weak="small", strong="large", **options) -> LlmrouteError:
    with pytest.raises(LlmrouteError) as fault:
        read_pair(outcomes, weak, strong, prices={}, **options)
    assert fault.value.exit_code == 2
    assert fault.value.fix
    return fault.value


def test_too_few_queries_says_how_many_and_why(outcomes):
    fault = fault_of(changed(outcomes, lambda r: r if r.sample_id < "s40" else None))
    assert "40 distinct prompts" in fault.what
    assert "at least 50 are needed" in fault.what
    assert "wider than the gain" in str(fault)


def test_a_weak_model_that_is_better_proposes_the_swap(outcomes):
    fault = fault_of(outcomes, "large", "small")
    assert "(PGR) is not defined" in fault.what
    assert fault.fix == "Swap them: --weak small --strong large."


def test_models_of_equal_quality_are_not_swapped(outcomes):
    fault = fault_of(
        changed(
            outcomes,
            lambda r: replace(r, score=float((r.candidate == "small") == (r.sample_id < "s30"))),
        )
    )
    assert "is not better" in fault.what
    assert "Route everything to the cheaper" in str(fault)


def test_models_that_never_differ_leave_nothing_to_choose(outcomes):
    fault = fault_of(changed(outcomes, lambda r: replace(r, score=float(r.sample_id < "s30"))))
    assert "score the same on every query" in fault.what


def test_one_class_only_says_how_many_there_are(outcomes):
    fault = fault_of(
        changed(
            outcomes,
            lambda r: replace(r, score=float(r.candidate == "large" or r.sample_id < "s03")),
        )
    )
    assert "is not better than 'small' on 3 of 60 queries only" in fault.what
    assert "Route everything to large" in str(fault)


def test_missing_prompts_say_how_to_add_them(outcomes):
    bare = {key: replace(p, text=None) for key, p in outcomes.prompts.items()}
    fault = fault_of(Outcomes(outcomes.rows, bare))
    assert "60 of 60 queries have no prompt text, the first is 's00'" in fault.what
    assert 'add "prompt": "..."' in str(fault)


@pytest.mark.parametrize("score", [float("nan"), 1.5, -0.1, float("inf")])
def test_a_score_that_is_no_share_is_refused(outcomes, score):
    fault = fault_of(
        changed(outcomes, lambda r: replace(r, score=score) if r.sample_id == "s07" else r)
    )
    assert fault.where is not None
    assert "'s07'" in fault.where


@pytest.mark.parametrize("cost", [float("nan"), -1.0, float("inf")])
def test_a_cost_that_is_no_amount_is_refused(outcomes, cost):
    fault = fault_of(changed(outcomes, lambda r: replace(r, recorded_cost_usd=cost)))
    assert "not a finite number" in fault.what


def test_two_results_of_one_query_that_differ_are_refused(outcomes):
    twice = (*outcomes.rows, replace(outcomes.rows[0], score=0.25))
    fault = fault_of(Outcomes(twice, outcomes.prompts))
    assert fault.what == "two different results (scores 1.0 and 0.25)"
    assert fault.where == "task 'sums', query 's00', 'small'"


def test_a_result_said_twice_counts_once(outcomes):
    pair = read(Outcomes((*outcomes.rows, outcomes.rows[0]), outcomes.prompts))
    assert pair.weak_scores.sum() == 20


def test_unknown_names_are_answered_with_the_known_ones(outcomes):
    with pytest.raises(UnknownName, match="Did you mean 'large'"):
        read_pair(outcomes, "small", "larg", prices={})
    with pytest.raises(UnknownName, match="Did you mean 'sums'"):
        read(outcomes, task="sum")


def test_one_model_twice_is_no_pair(outcomes):
    assert "both the weak and the strong" in fault_of(outcomes, "small", "small").what


def test_candidates_are_read_column_by_column(outcomes):
    prices = {"small": Price(1.0, 1.0), "large": Price(10.0, 30.0)}
    found = read_candidates(outcomes, ["large", "small"], prices=prices)
    assert found.names == ("large", "small")
    assert found.scores.sum(axis=0).tolist() == [55, 20]
    assert found.costs_usd[0].tolist() == pytest.approx([0.015, 0.001])
    assert found.ids == read(outcomes).ids


def test_candidates_without_a_price_are_named(outcomes):
    with pytest.raises(InputError, match="60 queries have no cost of 'small'"):
        read_candidates(outcomes, ["small", "large"], prices={"large": Price(1.0, 1.0)})


def test_a_file_of_outcomes_becomes_a_pair(tmp_path, outcomes):
    path = tmp_path / "outcomes.jsonl"
    with path.open("w") as stream:
        for i in range(60):
            models = {"small": {"score": float(i < 20)}, "large": {"score": float(i >= 5)}}
            line = {"id": i, "task": "sums", "prompt": prompt_text(i), "models": models}
            stream.write(json.dumps(line) + "\n")
    assert sorted(read(read_outcomes([path])).gaps) == sorted(read(outcomes).gaps)


def test_every_pair_of_zeroeval_can_be_read(realdata):
    outcomes = read_outcomes([realdata / "zeroeval.jsonl.gz"])
    pair = read_pair(outcomes, "Meta-Llama-3.1-8B-Instruct", "gpt-4o-2024-08-06", prices={})
    assert len(pair) == 2840
    assert {query.task for query in pair.queries} >= {"gsm", "crux"}
    assert 2500 < len(set(pair.groups.tolist())) < 2840
