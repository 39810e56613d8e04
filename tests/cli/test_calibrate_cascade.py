"""`calibrate --policy cascade|combined`, from outcomes with answers to the second model."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from llmroute import Router
from llmroute.routing_map.file import map_to_yaml, read_map

Invoke = Callable[..., Any]
Row = dict[str, Any]

WHO, WHAT = ("Ann", "Bob", "Eve", "Tom", "Zoe"), ("pens", "eggs", "cars", "nuts", "cups")
SUM = "Ann has 20 pens, buys 30 and finds 40. How many are there?"
RIGHT = "20 + 30 = 50 pens\n50 + 40 = 90 pens\n#### 90"
WRONG = "20 + 30 = 53 pens\n53 + 40 = 93 pens\n#### 93"
PROOF = "Prove that the theorem number 77 of Ann holds for all pens."


def rows_of(
    n: int = 240, *, proofs: bool = False, shuffled: bool = False, usd: float = 0.0001
) -> list[Row]:
    """Sums that the small model slips in two of five; every second a proof it never manages."""
    rng = np.random.default_rng(11)
    rows, scores = [], []
    for i in range(n):
        a, b, c = (int(number) for number in rng.integers(10, 99, 3))
        who, what = WHO[int(rng.integers(5))], WHAT[int(rng.integers(5))]
        slip = int(rng.integers(1, 9)) if rng.random() < 0.4 else 0
        text = f"{who} has {a} {what}, buys {b} and finds {c}. How many are there?"
        answer = f"{a} + {b} = {a + b + slip} {what}\n{a + b + slip} + {c} = {a + b + slip + c}"
        if proofs and i % 2:
            text = f"Prove that the theorem number {a * b} of {who} holds for all {what}."
            answer, slip = f"It holds for {what}, as {who} has seen.", 1
        small = {"answer": answer, "cost_usd": usd}
        large = {"score": 1.0, "answer": "done", "cost_usd": 0.002}
        scores.append(float(slip == 0))
        rows.append(
            {
                "id": f"q{i}",
                "task": "sums",
                "prompt": text,
                "models": {"small": small, "large": large},
            }
        )
    moved = rng.permutation(n) if shuffled else np.arange(n)
    for row, score in zip(rows, np.array(scores)[moved].tolist(), strict=True):
        row["models"]["small"]["score"] = score
    return rows


def write(path: Path, rows: list[Row]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


@pytest.fixture
def outcomes(folder: Path) -> Path:
    return write(folder / "outcomes.jsonl", rows_of())


@pytest.fixture
def calibrate(llmroute: Invoke) -> Invoke:
    """Calibrates beside the quickest router that reads."""

    def run(data: Path, *options: Any, policy: str = "cascade") -> Any:
        return llmroute("calibrate", "-d", data, "--router", "length", "--policy", policy, *options)

    return run


def test_a_cascade_that_sees_wrong_sums_is_shipped(
    outcomes: Path, folder: Path, calibrate: Invoke
) -> None:
    result = calibrate(outcomes, "--target-strong", "0.4")
    assert result.exit_code == 0, result.stderr
    assert result.stdout.startswith("Ask small first, and large too where the answer does not hold")
    assert "both calls counted, it beats the query router" in result.stdout
    assert "here it costs 20 times" in result.stdout
    out = folder / "llmroute-out"
    assert {path.name for path in out.iterdir()} == {
        "calibration.html",
        "cascade.json",
        "cascade.npz",
        "routing-map.yaml",
    }
    stated = read_map(out / "routing-map.yaml").cascade
    assert stated is not None
    assert (stated.escalator, stated.weak, stated.strong) == ("answer_scorer", "small", "large")
    assert stated.strong_share.value == pytest.approx(0.4, abs=0.02)
    assert map_to_yaml(read_map(out / "routing-map.yaml")) == (out / "routing-map.yaml").read_text()


def test_what_was_shipped_reviews_answers_in_process(
    outcomes: Path, folder: Path, calibrate: Invoke
) -> None:
    calibrate(outcomes, "--target-strong", "0.4")
    router = Router.load(folder / "llmroute-out/routing-map.yaml")
    assert router.decide(SUM).model == "small"
    assert router.review(SUM, RIGHT).accepted
    review = router.review(SUM, WRONG)
    assert (review.accepted, review.model_next) == (False, "large")
    assert "arithmetic.any_wrong" in review.failed_checks


def test_the_json_counts_both_calls_and_sets_controls_beside(
    outcomes: Path, calibrate: Invoke
) -> None:
    result = calibrate(outcomes, "--target-strong", "0.4", "--json")
    figures = json.loads(result.stdout)
    assert (figures["policy"], figures["escalator"]) == ("cascade", "answer_scorer")
    assert (figures["router"], figures["shipped"], figures["n"]) == ("length", True, 240)
    # $0.10 for 1,000 small calls, all of them made, and $2 for the large one's.
    share = figures["strong_share"]["value"]
    assert figures["cost_usd_per_1k"]["value"] == pytest.approx(0.1 + share * 2.0)
    assert figures["saving"]["value"] == pytest.approx(1 - (0.1 + share * 2.0) / 2.0)
    assert [one["router"] for one in figures["routers"]] == ["cascade", "length"]
    assert set(figures["controls"]) == {"random", "length", "task_map", "oracle", "shuffled"}
    dollars = {name: one["value"] for name, one in figures["apgr_at_equal_usd"].items()}
    assert dollars["random"] == pytest.approx(0.5)
    assert dollars["random_escalation"] < 0.5 < dollars["cascade"] < dollars["oracle"]
    assert figures["over_at_equal_usd"]["router"]["low"] > 0
    assert figures["controls"]["shuffled"]["apgr"]["low"] < 0.5
    assert figures["price_ratio"] == pytest.approx(20.0)
    assert 1.0 <= figures["break_even_price_ratio"] < 20.0


@pytest.mark.parametrize(
    ("target", "figure", "met"),
    [
        (("--max-quality-loss", "0.1"), "quality_loss", lambda value: value < 0.1),
        (("--max-usd-per-1k", "0.7"), "cost_usd_per_1k", lambda value: value <= 0.7),
        (("--min-pgr", "0.6"), "pgr", lambda value: value > 0.6),
        (("--knee",), "pgr", lambda value: value > 0.8),
    ],
)
def test_a_cascade_meets_every_kind_of_target(
    target: tuple[str, ...],
    figure: str,
    met: Callable[[float], bool],
    outcomes: Path,
    calibrate: Invoke,
) -> None:
    result = calibrate(outcomes, *target, "--json")
    assert result.exit_code == 0, result.stderr
    figures = json.loads(result.stdout)
    assert figures["shipped"]
    assert met(figures[figure]["value"])
    assert (figures["certificate"] is not None) == (target[0] == "--max-quality-loss")


def test_shuffled_outcomes_ship_no_cascade(folder: Path, calibrate: Invoke) -> None:
    result = calibrate(write(folder / "shuffled.jsonl", rows_of(shuffled=True)))
    assert result.exit_code == 0, result.stderr
    assert result.stdout.startswith("No cascade from small to large is worth running")
    assert "does not surely beat random routing" in result.stdout
    out = folder / "llmroute-out"
    assert {path.name for path in out.iterdir()} == {"calibration.html", "routing-map.yaml"}
    assert read_map(out / "routing-map.yaml").cascade is None
    page = (out / "calibration.html").read_text()
    assert '<h1 id="verdict-h">No cascade from small to large is worth running' in page


def test_a_weak_call_as_dear_as_a_strong_one_ships_no_cascade(
    folder: Path, calibrate: Invoke
) -> None:
    result = calibrate(write(folder / "dear.jsonl", rows_of(usd=0.0018)))
    assert result.exit_code == 0, result.stderr
    assert "At the same dollars the cascade does not surely beat" in result.stdout
    assert "here it costs 1.11 times" in result.stdout
    assert "--policy combined saves the weak call" in result.stdout


def test_outcomes_without_answers_say_what_to_add(folder: Path, calibrate: Invoke) -> None:
    rows = rows_of()
    for row in rows:
        del row["models"]["small"]["answer"]
    result = calibrate(write(folder / "bare.jsonl", rows))
    assert result.exit_code == 2
    assert "no answer of 'small' is kept" in result.stderr
    assert 'Add "answer": "..." to \'small\' in each line' in result.stderr
    assert not (folder / "llmroute-out").exists()


def test_prompts_without_an_answer_are_left_out_and_counted(
    folder: Path, calibrate: Invoke
) -> None:
    rows = rows_of()
    for row in rows[:30]:
        del row["models"]["small"]["answer"]
    result = calibrate(write(folder / "some.jsonl", rows))
    assert result.exit_code == 0, result.stderr
    assert "210 prompts" in result.stdout
    assert "30 prompts without a kept answer left out." in result.stdout


def without_costs(rows: list[Row]) -> list[Row]:
    for row in rows:
        for result in row["models"].values():
            del result["cost_usd"]
    return rows


def test_without_prices_a_cascade_is_measured_and_not_shipped(
    folder: Path, calibrate: Invoke
) -> None:
    data = write(folder / "unpriced.jsonl", without_costs(rows_of()))
    pair = ("--weak", "small", "--strong", "large")
    result = calibrate(data, *pair)
    assert result.exit_code == 0, result.stderr
    assert "without prices nobody can say" in result.stdout
    result = calibrate(data, *pair, policy="combined")
    assert result.exit_code == 2
    assert "--policy combined: the cost of some queries is not known" in result.stderr


@pytest.fixture
def combined(folder: Path, calibrate: Invoke) -> Router:
    """Proofs the small model never manages, sums it slips in two of five; calls cost 1 to 8."""
    data = write(folder / "mixed.jsonl", rows_of(320, proofs=True, usd=0.00025))
    result = calibrate(data, "--router", "tfidf", "--target-strong", "0.7", policy="combined")
    assert result.exit_code == 0, result.stderr
    assert result.stdout.startswith("Send ")
    assert "of the queries straight to large, ask small first for the rest" in result.stdout
    return Router.load(folder / "llmroute-out/routing-map.yaml")


def test_combined_sends_hard_prompts_straight_and_looks_at_the_other_answers(
    combined: Router, folder: Path
) -> None:
    assert combined.decide(PROOF).model == "large"
    assert combined.decide(SUM).model == "small"
    assert combined.review(PROOF, "Done.").accepted
    assert combined.review(SUM, RIGHT).accepted
    assert combined.review(SUM, WRONG).model_next == "large"
    stated = combined.routing_map
    assert stated.query_router is not None
    assert stated.cascade is not None
    assert stated.query_router.strong_share.value == pytest.approx(0.45, abs=0.1)
    assert stated.cascade.strong_share.value == pytest.approx(0.7, abs=0.03)
    names = {path.name for path in (folder / "llmroute-out").iterdir()}
    assert names >= {"query-router.json", "query-router.npz", "cascade.json", "cascade.npz"}


def test_the_same_data_and_seed_leave_the_same_bytes(
    outcomes: Path, folder: Path, calibrate: Invoke
) -> None:
    for name in ("one", "two"):
        assert calibrate(outcomes, "--out", folder / name).exit_code == 0
    left = {path.name: path.read_bytes() for path in (folder / "one").iterdir()}
    assert left == {path.name: path.read_bytes() for path in (folder / "two").iterdir()}


def test_the_page_shows_the_router_beside_and_weak_answers_it_does_not_trust(
    folder: Path, calibrate: Invoke
) -> None:
    rows = rows_of(shuffled=True)
    for row in rows:
        row["models"]["small"]["answer"] += " <script>alert(1)</script> \u202e"
    assert calibrate(write(folder / "hostile.jsonl", rows)).exit_code == 0
    page = (folder / "llmroute-out/calibration.html").read_text()
    assert page.count("<script>") == 1  # the page's own
    assert "\u202e" not in page
    assert page.count("&lt;script&gt;") == 20
    assert "What small said" in page
    assert page.count('<polyline class="line router"') == 2
    assert page.count('<polyline class="line rival"') == 2
    assert "escalation_score 0." in page


def test_a_suites_checks_are_what_its_cascade_sees(
    chat_server: Any, configure: Callable[..., Path], suite: Path, folder: Path, llmroute: Invoke
) -> None:
    rows = rows_of(120)
    said = {row["prompt"]: row["models"]["small"]["answer"] for row in rows}
    right = {row["prompt"]: row["models"]["small"]["score"] == 1.0 for row in rows}

    def script(asked: Any) -> str:
        if asked.body["model"] == "small":
            return f"{said[asked.prompt]}\n#### {'yes' if right[asked.prompt] else 'no'}"
        return "#### yes"

    chat_server.script = script
    samples = "".join(
        f"  - {{id: s{i}, input: '{row['prompt']}', target: 'yes'}}\n" for i, row in enumerate(rows)
    )
    suite.write_text(
        "name: sums\ntask: sums\nmetric: exact\nextract: [{name: after, marker: '####'}]\n"
        f"checks: [arithmetic, {{name: length, max_words: 60}}]\nsamples:\n{samples}"
    )
    configure(
        "\n".join(
            f"  - {{model: openai/{name}, name: {name}, api_base: '{chat_server.url}', "
            f"price: {{input_usd_per_mtok: {price}, output_usd_per_mtok: {price}}}}}"
            for name, price in (("small", 0.1), ("large", 10))
        )
    )
    assert llmroute("bench").exit_code == 0
    result = llmroute("calibrate", "--policy", "cascade", "--router", "length", "--knee")
    assert result.exit_code == 0, result.stderr
    values = json.loads((folder / "llmroute-out/cascade.json").read_text())["values"]
    assert values["task_checks"] == [["sums", [["arithmetic", {}], ["length", {"max_words": 60}]]]]
    review = Router.load(folder / "llmroute-out/routing-map.yaml").review(SUM, WRONG)
    assert review.failed_checks == ("arithmetic.any_wrong",)
    assert review.model_next == "large"


def test_an_unknown_policy_is_refused(outcomes: Path, llmroute: Invoke) -> None:
    result = llmroute("calibrate", "-d", outcomes, "--policy", "cascades")
    assert result.exit_code == 2
    assert "'router', 'cascade', 'combined'" in result.stderr


def too_few(rows: list[Row]) -> None:
    del rows[20:]


def one_class(rows: list[Row]) -> None:
    for row in rows:
        row["models"]["small"]["score"] = 0.0


def no_scores(rows: list[Row]) -> None:
    for row in rows:
        row["models"]["small"]["score"] = None


def not_a_number(rows: list[Row]) -> None:
    rows[3]["models"]["small"]["score"] = float("nan")


def two_outcomes(rows: list[Row]) -> None:
    again = json.loads(json.dumps(rows[3]))
    again["models"]["small"]["score"] = 1 - again["models"]["small"]["score"]
    rows.append(again)


def few_answers(rows: list[Row]) -> None:
    for row in rows[20:]:
        del row["models"]["small"]["answer"]


@pytest.mark.parametrize("policy", ["cascade", "combined"])
@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (too_few, "at least 50 are needed"),
        (one_class, "at least 10 are needed to learn"),
        (no_scores, "small"),
        (not_a_number, "not a"),
        (two_outcomes, "another result for the same prompt"),
        (few_answers, "at least 50 are needed"),
    ],
)
def test_outcomes_that_cannot_carry_a_cascade_are_refused_and_nothing_is_written(
    spoil: Callable[[list[Row]], None],
    said: str,
    policy: str,
    folder: Path,
    calibrate: Invoke,
) -> None:
    rows = rows_of(120)
    spoil(rows)
    data = write(folder / "spoilt.jsonl", rows)
    result = calibrate(data, "--weak", "small", "--strong", "large", policy=policy)
    assert result.exit_code == 2, result.stdout
    assert said in result.stderr
    assert not (folder / "llmroute-out").exists()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--weak", "large", "--strong", "small"), "Swap them: --weak small --strong large"),
        (("--max-usd-per-1k", "0.01"), "The nearest that can be met is --max-usd-per-1k 0.1"),
        (("--max-quality-loss", "0.0001"), "The nearest that can be met is --max-quality-loss 0."),
        (("--knee", "--min-pgr", "0.8"), "--min-pgr and --knee are two targets"),
    ],
)
def test_what_a_cascade_cannot_meet_is_said_with_what_it_can(
    options: tuple[str, ...], said: str, outcomes: Path, folder: Path, calibrate: Invoke
) -> None:
    result = calibrate(outcomes, *options)
    assert result.exit_code == 2, result.stdout
    assert said in result.stderr
    assert not (folder / "llmroute-out").exists()


@pytest.mark.parametrize("name", ["cascade.json", "cascade.npz"])
def test_an_edited_cascade_is_refused_at_the_command_line(
    name: str, outcomes: Path, folder: Path, calibrate: Invoke, llmroute: Invoke
) -> None:
    assert calibrate(outcomes).exit_code == 0
    edited = folder / "llmroute-out" / name
    edited.write_bytes(edited.read_bytes().replace(b"0", b"1"))
    result = llmroute("route", SUM, "--map", folder / "llmroute-out/routing-map.yaml")
    assert result.exit_code == 2, result.stdout
    assert "llmroute calibrate" in result.stderr
