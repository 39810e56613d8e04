"""What the single routers promise beyond the contract."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from llmroute.calibration.pair import Pair, Query
from llmroute.calibration.split import grouped_folds
from llmroute.errors import ConfigError, InputError
from llmroute.routers.auto import (
    Auto,
    Trial,
    choose_simplest,
    clustered_error,
    compare_scores,
    fold_ranks,
)
from llmroute.routers.gbt import Gbt
from llmroute.routers.knn import Knn
from llmroute.routers.length import Length
from llmroute.routers.mf import Mf
from llmroute.routers.qualities import Qualities
from llmroute.routers.random import Random
from llmroute.routers.rules import Rules, read_rules
from llmroute.routers.sw_ranking import SwRanking
from llmroute.routers.task_map import TaskMap


def pair_of(texts: list[str], gaps: list[float], tasks: list[str | None] | None = None) -> Pair:
    n = len(texts)
    names = tasks or [None] * n
    gap = np.array(gaps)
    unknown = np.full(n, np.nan)
    return Pair(
        "weak",
        "strong",
        tuple(map(str, range(n))),
        tuple(Query(text, name) for text, name in zip(texts, names, strict=True)),
        (1 - gap) / 2,
        (1 + gap) / 2,
        unknown,
        unknown,
        np.arange(n),
    )


def rate(router: object, text: str, task: str | None = None) -> float:
    return float(router.strong_win_rate([Query(text, task)])[0])  # type: ignore[attr-defined]


def test_random_depends_on_text_and_seed_alone() -> None:
    pair = pair_of(["a"], [0.0])
    one, other = Random().fit(pair, seed=1), Random().fit(pair, seed=2)
    assert rate(one, "hello") == rate(Random().fit(pair, seed=1), "hello")
    assert rate(one, "hello") != rate(other, "hello")
    rates = one.strong_win_rate([Query(str(i)) for i in range(2000)])
    assert np.quantile(rates, [0.25, 0.5, 0.75]) == pytest.approx([0.25, 0.5, 0.75], abs=0.04)


def test_length_is_one_half_at_the_median() -> None:
    router = Length().fit(pair_of(["a" * 10, "a" * 20, "a" * 90], [0.0] * 3))
    assert [rate(router, "b" * n) for n in (0, 20, 60)] == [0.0, 0.5, 0.75]


def test_task_map_keeps_large_tasks_and_shrinks_small_ones() -> None:
    tasks: list[str | None] = ["hard"] * 200 + ["easy"] * 200 + ["rare"] * 2
    gaps = [1.0, 0.6] * 100 + [0.0, 0.2] * 100 + [1.0, 1.0]
    router = TaskMap().fit(pair_of(["x"] * 402, gaps, tasks))
    assert router.gaps_["hard"] == pytest.approx(0.8, abs=0.01)
    assert router.gaps_["easy"] == pytest.approx(0.1, abs=0.01)
    assert 0.5 < router.gaps_["rare"] < 1.0
    assert rate(router, "x", "never seen") == pytest.approx((1 + router.overall_) / 2)


def test_task_map_tells_no_tasks_apart_that_differ_by_chance() -> None:
    tasks: list[str | None] = ["a", "b"] * 50
    router = TaskMap().fit(pair_of(["x"] * 100, [0.0, 0.0, 1.0, 1.0] * 25, tasks))
    assert set(router.gaps_.values()) == {0.5}


def test_knn_draws_a_lone_neighbour_to_the_mean() -> None:
    texts = [f"refund order {i}" for i in range(30)] + ["eigenvalue of a matrix"]
    router = Knn(neighbours=5, prior=9.0).fit(pair_of(texts, [0.0] * 30 + [1.0]))
    overall = 1 / 31
    expected = overall + (1 - overall) / 10  # one neighbour counts, the others are too far
    assert rate(router, "eigenvalue of a matrix") == pytest.approx((1 + expected) / 2, abs=1e-6)


def test_knn_gives_the_mean_where_nothing_is_near() -> None:
    router = Knn().fit(pair_of(["red fox", "grey wolf"], [0.0, 1.0]))
    assert rate(router, "") == pytest.approx(0.75)


def test_sw_ranking_is_the_weighted_share_of_wins() -> None:
    router = SwRanking().fit(pair_of(["aaaa", "0000"], [1.0, -1.0]))
    # The same text has cosine 1 and weighs 10; the other shares nothing and weighs 1.
    assert rate(router, "aaaa") == pytest.approx(10 / 11)


def test_mf_slopes_are_those_of_its_loss() -> None:
    from llmroute.routers.mf import _sigmoid, _slopes

    random = np.random.default_rng(1)
    inputs, wins = random.standard_normal((9, 4)), random.random(9)
    factors = {
        "projection": random.standard_normal((4, 3)),
        "models": random.standard_normal((2, 3)),
        "head": random.standard_normal(3),
    }

    def loss() -> float:
        between = factors["models"][1] - factors["models"][0]
        rates = _sigmoid(inputs @ factors["projection"] @ (factors["head"] * between))
        entropy = -(wins * np.log(rates) + (1 - wins) * np.log(1 - rates)).mean()
        return float(entropy + 0.1 * sum((values**2).sum() for values in factors.values()))

    for name, slope in _slopes(inputs, wins, factors, 0.1).items():
        place = (0,) * slope.ndim
        factors[name][place] += 1e-6
        above = loss()
        factors[name][place] -= 2e-6
        below = loss()
        factors[name][place] += 1e-6
        assert slope[place] == pytest.approx((above - below) / 2e-6, abs=1e-6)


def test_mf_keeps_ties_as_half_a_win() -> None:
    router = Mf().fit(pair_of([f"prompt {i}" for i in range(50)], [0.0] * 50))
    assert rate(router, "prompt 3") == pytest.approx(0.5, abs=0.01)


def test_gbt_scores_as_scikit_learn_does() -> None:
    ensemble = pytest.importorskip("sklearn.ensemble")
    random = np.random.default_rng(0)
    texts = ["word " * int(random.integers(1, 60)) + "7 " * int(i % 9) for i in range(200)]
    gaps = [float(len(text) > 150) - float(i % 3 == 0) / 2 for i, text in enumerate(texts)]
    pair = pair_of(texts, gaps)
    router = Gbt().fit(pair)
    model = ensemble.HistGradientBoostingRegressor(
        max_iter=60,
        learning_rate=0.05,
        max_depth=6,
        max_leaf_nodes=15,
        min_samples_leaf=20,
        l2_regularization=5.0,
        early_stopping=False,
        random_state=0,
    )
    inputs = router._inputs(pair.queries)
    expected = model.fit(inputs, pair.gaps).predict(inputs)
    assert router.strong_win_rate(pair.queries) == pytest.approx(
        np.clip((1 + expected) / 2, 0, 1), abs=1e-9
    )


def test_shipped_rules_find_the_proof_harder_than_the_greeting() -> None:
    router = Rules().fit(pair_of(["x"], [0.0]))
    hard = "Prove that the sum of the first n odd integers equals n^2, step by step."
    assert rate(router, hard) > 0.5 > rate(router, "Hello, thanks!")
    assert "reasoning" in router.reasons(hard)


def test_own_rules_are_read_from_their_file(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text("rules:\n- {name: legal, weight: 2, most: 2, keywords: [clause]}\n")
    router = Rules(path=str(path)).fit(pair_of(["x"], [0.0]))
    assert rate(router, "clauses") == pytest.approx(0.5)
    assert rate(router, "Clause by clause by clause") == pytest.approx(1 / (1 + np.exp(-4)))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "no list 'rules'"),
        ("rules: [1]", "rule 1 is not a mapping"),
        ("rules: [{name: a, weight: 1, keyword: [b]}]", "rule 'a': unknown key 'keyword'"),
        ("rules: [{name: a, weight: .nan}]", "'weight' is not a number"),
        ("rules: [{name: a}]", "'weight' is not a number"),
        ("rules: [{name: a, weight: 1, patterns: ['(']}]", r"pattern '\(' is not valid"),
        ("rules: [{name: a, weight: 1, keywords: [1]}]", "holds 1, not a text"),
        ("rules: [", "cannot be read"),
        ("rules: !!python/object:os.system [x]", "cannot be read"),
    ],
)
def test_wrong_rules_say_which_and_how(tmp_path: Path, content: str, message: str) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(content)
    with pytest.raises(ConfigError, match=message):
        read_rules(path)


def test_pattern_that_runs_away_says_nothing(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text("rules: [{name: a, weight: 1, patterns: ['(x+x+)+y']}]")
    assert rate(Rules(path=str(path)).fit(pair_of(["x"], [0.0])), "x" * 5000) == 0.5


def test_qualities_predict_each_model_where_it_is_known() -> None:
    queries = [Query(("prove lemma " if i % 2 else "greet guest ") + str(i)) for i in range(80)]
    scores = np.full((80, 3), np.nan)
    scores[:, 0] = 1 - np.arange(80) % 2
    scores[:, 1] = np.arange(80) % 2
    scores[:10, 2] = 0.4
    expected = Qualities(penalty=1.0).fit(queries, scores, "abc").expected_scores(queries)
    assert expected.shape == (80, 3)
    assert expected.argmax(axis=1).tolist() == [i % 2 for i in range(80)]
    assert expected[50, 2] == pytest.approx(0.4)


def test_model_without_a_score_is_named() -> None:
    with pytest.raises(InputError, match="model 'b' has no score"):
        Qualities().fit([Query("x")], np.array([[1.0, np.nan]]), ["a", "b"])


def test_auto_takes_the_task_map_where_tasks_say_it_all() -> None:
    tasks: list[str | None] = ["hard", "easy"] * 60
    texts = [f"{task} prompt number {i}" for i, task in enumerate(tasks)]
    router = Auto(routers=("tfidf", "task_map")).fit(pair_of(texts, [1.0, 0.0] * 60, tasks))
    assert router.chosen_.name == "task_map"
    assert [trial.router for trial in router.trials_] == ["task_map", "tfidf"]


def test_auto_takes_words_where_tasks_say_nothing() -> None:
    texts = [("prove lemma " if i % 2 else "greet guest ") + f"of house {i}" for i in range(120)]
    router = Auto(routers=("tfidf", "task_map")).fit(pair_of(texts, [0.0, 1.0] * 60))
    assert router.chosen_.name == "tfidf"


def test_auto_takes_the_simplest_of_too_few_prompts() -> None:
    router = Auto().fit(pair_of(["a", "b", "c"], [1.0, 0.0, 1.0]))
    assert router.chosen_.name == "task_map"


def test_worth_of_the_oracle_is_its_apgr() -> None:
    gaps = [1.0, 0.0, 0.0, 0.0] * 25
    pair = pair_of([str(i) for i in range(100)], gaps)
    folds = grouped_folds(pair, 2)
    (trial,) = compare_scores({"oracle": np.array(gaps)}, pair, folds)
    # 1 in 4 is won: PGR rises straight to 1 at a share of ¼ and stays. Area ⅞.
    assert trial.apgr == pytest.approx(0.875, abs=0.03)
    assert (trial.behind, trial.behind_se) == (0.0, 0.0)


def test_ranks_are_taken_within_folds_and_ties_share_the_middle() -> None:
    pair = pair_of([str(i) for i in range(40)], [0.0] * 40)
    folds = grouped_folds(pair, 2)
    assert set(fold_ranks(np.ones(40), folds).tolist()) == {0.5}


def test_standard_error_counts_groups_not_rows() -> None:
    values = np.array([1.0, 1.0, 0.0, 0.0])
    assert clustered_error(values, np.arange(4)) == pytest.approx(values.std(ddof=1) / 2)
    assert clustered_error(values, np.array([0, 0, 1, 1])) == pytest.approx(
        np.array([1.0, 0.0]).std(ddof=1) / np.sqrt(2)
    )


def test_of_two_within_one_error_the_simpler_is_chosen() -> None:
    trials = [
        Trial("gbt", 0.7, 0.0, 0.0),
        Trial("tfidf", 0.69, 0.001, 0.002),
        Trial("length", 0.6, 0.1, 0.002),
    ]
    assert choose_simplest(trials) == "tfidf"
