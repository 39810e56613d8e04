"""What every router of the table must keep to."""

from __future__ import annotations

import json
from dataclasses import is_dataclass
from pathlib import Path

import numpy as np
import pytest

from llmroute.calibration.pair import Pair, Query
from llmroute.errors import InputError
from llmroute.routers import ROUTERS, Router, build_router
from llmroute.routers.artefact import SavedRouter, read_router, save_router
from llmroute.routers.novelty import Novelty

NAMES = ROUTERS.names()
HARD = "Prove that the sum of {} odd integers equals n squared, step by step, and find the {}th."
EASY = "Say hello to guest {} at door {}."
HOSTILE = (
    "",
    " ",
    "a",
    "9" * 50_000,
    "x " * 50_000,
    "\ud800 half a pair",
    "\x00\x1b[31m",
    "🙂" * 1000,
    "什么是机器学习？",
    "(" * 20_000,
    "İ" * 50_000,
)


def make_pair(n: int, *, gap: float | None = None, tasks: bool = True) -> Pair:
    """Hard prompts the strong model wins and easy ones where both are right, turn by turn."""
    hard = np.arange(n) % 2 == 0
    texts = [(HARD if hard[i] else EASY).format(i, 3 * i + 1) for i in range(n)]
    names = [("proofs" if hard[i] else "chat") if tasks else None for i in range(n)]
    weak = np.where(hard, 0.0, 1.0) if gap is None else np.full(n, 0.5 - gap / 2)
    strong = np.ones(n) if gap is None else np.full(n, 0.5 + gap / 2)
    unknown = np.full(n, np.nan)
    return Pair(
        "weak",
        "strong",
        tuple(f"q{i:04d}" for i in range(n)),
        tuple(Query(text, name) for text, name in zip(texts, names, strict=True)),
        weak,
        strong,
        unknown,
        unknown,
        np.arange(n),
    )


@pytest.fixture(scope="module")
def pair() -> Pair:
    return make_pair(60)


@pytest.fixture(scope="module")
def fitted(pair: Pair) -> dict[str, Router]:
    return {name: build_router(name).fit(pair, seed=3) for name in NAMES}


@pytest.mark.parametrize("name", NAMES)
def test_router_carries_the_name_it_is_built_by(name: str) -> None:
    assert ROUTERS.load(name).name == name
    assert is_dataclass(ROUTERS.load(name))


@pytest.mark.parametrize("name", NAMES)
def test_rates_are_one_a_query_and_in_the_unit_interval(
    name: str, fitted: dict[str, Router], pair: Pair
) -> None:
    rates = fitted[name].strong_win_rate(pair.queries)
    assert rates.shape == (60,)
    assert ((rates >= 0) & (rates <= 1)).all()


@pytest.mark.parametrize("name", NAMES)
def test_hostile_texts_get_a_rate(name: str, fitted: dict[str, Router]) -> None:
    rates = fitted[name].strong_win_rate([Query(text) for text in HOSTILE])
    assert np.isfinite(rates).all()
    assert ((rates >= 0) & (rates <= 1)).all()


@pytest.mark.parametrize("name", NAMES)
def test_no_queries_get_no_rates(name: str, fitted: dict[str, Router]) -> None:
    assert fitted[name].strong_win_rate([]).shape == (0,)


@pytest.mark.parametrize("name", NAMES)
def test_same_pair_and_seed_learn_the_same(
    name: str, fitted: dict[str, Router], pair: Pair
) -> None:
    again = build_router(name).fit(pair, seed=3)
    assert again.strong_win_rate(pair.queries).tolist() == (
        fitted[name].strong_win_rate(pair.queries).tolist()
    )


@pytest.mark.parametrize("name", NAMES)
def test_a_query_has_the_same_rate_alone_and_in_company(
    name: str, fitted: dict[str, Router], pair: Pair
) -> None:
    together = fitted[name].strong_win_rate(pair.queries)
    alone = [fitted[name].strong_win_rate([query])[0] for query in pair.queries[:8]]
    assert alone == pytest.approx(together[:8].tolist(), abs=1e-6)


@pytest.mark.parametrize("name", NAMES)
def test_state_is_json_and_plain_arrays_and_comes_back(
    name: str, fitted: dict[str, Router], pair: Pair
) -> None:
    values, arrays = fitted[name].state()
    assert json.loads(json.dumps(values, allow_nan=False)) == values
    assert all(array.dtype.kind in "fiu" for array in arrays.values())
    back = ROUTERS.load(name).from_state(values, arrays)
    assert back.strong_win_rate(pair.queries) == pytest.approx(
        fitted[name].strong_win_rate(pair.queries), abs=1e-6
    )


@pytest.mark.parametrize("name", NAMES)
def test_saved_router_scores_as_it_did(
    name: str, fitted: dict[str, Router], pair: Pair, tmp_path: Path
) -> None:
    saved = SavedRouter(fitted[name], "weak", "strong", 0.6, Novelty.learn(["a b"] * 3), {"n": 120})
    save_router(tmp_path / "router.json", saved)
    back = read_router(tmp_path / "router.json")
    assert (back.weak, back.strong, back.routing_threshold) == ("weak", "strong", 0.6)
    assert back.learned.strong_win_rate(pair.queries) == pytest.approx(
        fitted[name].strong_win_rate(pair.queries), abs=1e-6
    )


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("n", [1, 2, 3, 7])
def test_a_handful_of_rows_is_enough_to_fit(name: str, n: int) -> None:
    few = make_pair(n)
    rates = build_router(name).fit(few).strong_win_rate(few.queries)
    assert np.isfinite(rates).all()


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("gap", [0.0, 1.0, -1.0])
def test_one_class_only_is_learned_without_a_word(name: str, gap: float) -> None:
    same = make_pair(60, gap=gap)
    rates = build_router(name).fit(same).strong_win_rate(same.queries)
    assert np.isfinite(rates).all()


@pytest.mark.parametrize("name", NAMES)
def test_nothing_to_learn_from_is_an_input_error(name: str) -> None:
    with pytest.raises(InputError, match="cannot learn from nothing"):
        build_router(name).fit(make_pair(0))


@pytest.mark.parametrize("name", NAMES)
def test_missing_score_is_an_input_error(name: str, pair: Pair) -> None:
    broken = pair.rows(range(40))
    broken.weak_scores[3] = np.nan
    with pytest.raises(InputError, match="not a number"):
        build_router(name).fit(broken)


@pytest.mark.parametrize("name", sorted({*NAMES} - {"random"}))
def test_plain_difference_between_prompts_is_found(
    name: str, fitted: dict[str, Router], pair: Pair
) -> None:
    rates = fitted[name].strong_win_rate(pair.queries)
    assert rates[::2].mean() > rates[1::2].mean() + 0.02


def test_unknown_router_is_named_with_the_nearest() -> None:
    with pytest.raises(InputError, match="Did you mean 'tfidf'"):
        build_router("tf-idf")


def test_unknown_parameter_is_named_with_the_nearest() -> None:
    with pytest.raises(InputError, match="Did you mean 'penalty'"):
        build_router("tfidf", {"penaltyy": 1})


@pytest.mark.parametrize(
    ("name", "params"),
    [
        ("tfidf", {"penalty": 0}),
        ("embedding", {"penalty": -1}),
        ("knn", {"neighbours": 0}),
        ("mf", {"rank": 0}),
        ("sw_ranking", {"base": 0.5}),
        ("gbt", {"rate": 2}),
        ("auto", {"folds": 1}),
        ("auto", {"routers": ("auto",)}),
    ],
)
def test_refused_parameter_names_router_and_reason(name: str, params: dict[str, object]) -> None:
    with pytest.raises(InputError, match=f"router '{name}': "):
        build_router(name, params)
