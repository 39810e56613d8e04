from __future__ import annotations

import gzip
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from llmroute import Router
from llmroute.errors import InputError, UnknownName
from llmroute.routing_map.file import map_to_yaml, read_map

Invoke = Callable[..., Any]

NOUNS = ("river", "lamp", "tower", "garden", "engine", "violin", "harbour", "cloud", "basket")
KEYS = {
    "schema", "router", "shipped", "reason", "weak", "strong", "n", "threshold", "strong_share",
    "quality", "quality_loss", "cost_usd_per_1k", "saving", "pgr", "apgr", "cpt50", "cpt80", "aiq",
    "controls", "routers",
}  # fmt: skip


def rows_of(n: int = 300, *, shuffled: bool = False) -> list[dict[str, Any]]:
    """Proofs are hard for the small model and sums are not; the prompt says which it is."""
    rng = np.random.default_rng(7)
    hard = rng.random(n) < 0.5
    weak = rng.random(n) < np.where(hard, 0.15, 0.92)
    strong = rng.random(n) < 0.95
    moved = rng.permutation(n) if shuffled else np.arange(n)
    rows = []
    for i in range(n):
        a, b, c = rng.choice(NOUNS, 3, replace=False)
        k = int(rng.integers(10, 9999))
        text = (
            f"Prove that the {a} theorem number {k} holds for every {b} and {c}."
            if hard[i]
            else f"Add {k} to the price of one {a}, a {b} and a {c}."
        )
        results = {
            "small": {"score": float(weak[moved[i]]), "cost_usd": 0.0001},
            "large": {"score": float(strong[moved[i]]), "cost_usd": 0.002},
        }
        rows.append({"id": f"q{i}", "task": "mixed", "prompt": text, "models": results})
    return rows


def write(path: Path, rows: list[dict[str, Any]]) -> Path:
    text = "".join(json.dumps(row) + "\n" for row in rows)
    path.write_bytes(gzip.compress(text.encode()) if path.suffix == ".gz" else text.encode())
    return path


@pytest.fixture
def outcomes(folder: Path) -> Path:
    return write(folder / "outcomes.jsonl", rows_of())


@pytest.fixture
def calibrated(outcomes: Path, folder: Path, llmroute: Invoke) -> dict[str, Any]:
    """The figures of a calibration whose router was shipped into ./llmroute-out."""
    result = llmroute(
        "calibrate", "-d", outcomes, "--router", "tfidf", "--target-strong", "0.5", "--json"
    )
    assert result.exit_code == 0, result.stderr
    figures = json.loads(result.stdout)
    assert isinstance(figures, dict)
    return figures


def test_a_router_that_reads_the_difficulty_is_shipped(
    outcomes: Path, folder: Path, llmroute: Invoke
) -> None:
    result = llmroute("calibrate", "-d", outcomes, "--target-strong", "0.5")
    assert result.exit_code == 0, result.stderr
    assert result.stdout.startswith("Send 49% of the queries to large and the rest to small: 49%")
    assert "beats random routing" in result.stdout
    written = {path.name for path in (folder / "llmroute-out").iterdir()}
    assert written == {
        "calibration.html",
        "query-router.json",
        "query-router.npz",
        "routing-map.yaml",
    }
    stated = yaml.safe_load((folder / "llmroute-out/routing-map.yaml").read_text())["query_router"]
    assert (stated["weak"], stated["strong"]) == ("small", "large")
    assert stated["strong_share"]["value"] == pytest.approx(0.5, abs=0.02)


def test_the_json_holds_what_it_promises(calibrated: dict[str, Any]) -> None:
    assert calibrated.keys() >= KEYS
    assert calibrated["schema"] == "llmroute/calibration/1"
    assert (calibrated["router"], calibrated["shipped"], calibrated["n"]) == ("tfidf", True, 300)
    assert (calibrated["weak"], calibrated["strong"]) == ("small", "large")
    controls = calibrated["controls"]
    assert set(controls) == {"random", "length", "task_map", "oracle", "shuffled"}
    assert controls["random"]["apgr"]["value"] == pytest.approx(0.5)
    apgr = calibrated["apgr"]
    assert apgr["low"] < apgr["value"] < apgr["high"] < controls["oracle"]["apgr"]["value"]
    assert apgr["low"] > 0.6
    assert controls["shuffled"]["apgr"]["low"] < 0.5
    assert [one["router"] for one in calibrated["routers"]] == ["tfidf"]
    assert calibrated["routers"][0]["apgr"]["value"] == pytest.approx(apgr["value"])
    assert calibrated["strong_share"]["value"] == pytest.approx(0.5, abs=0.02)
    # $0.10 for 1,000 calls of the small model and $2 for the large one's.
    expected = 0.1 + calibrated["strong_share"]["value"] * 1.9
    assert calibrated["cost_usd_per_1k"]["value"] == pytest.approx(expected)


def test_shuffled_outcomes_ship_nothing_and_write_the_static_map(
    folder: Path, llmroute: Invoke
) -> None:
    data = write(folder / "shuffled.jsonl.gz", rows_of(shuffled=True))
    result = llmroute("calibrate", "--data", data)
    assert result.exit_code == 0, result.stderr
    assert result.stdout.startswith("No query router is worth running between small and large")
    assert "the static map stays" in result.stdout
    out = folder / "llmroute-out"
    assert not (out / "query-router.json").exists()
    routing_map = read_map(out / "routing-map.yaml")
    assert routing_map.query_router is None
    assert routing_map.tasks[0].route == "large"
    assert Router.load(out / "routing-map.yaml").decide("Prove it.").model == "large"


def test_the_same_data_and_seed_leave_the_same_bytes(
    outcomes: Path, folder: Path, llmroute: Invoke
) -> None:
    for name in ("one", "two"):
        result = llmroute("calibrate", "-d", outcomes, "--router", "length", "--out", folder / name)
        assert result.exit_code == 0, result.stderr
    left = {path.name: path.read_bytes() for path in (folder / "one").iterdir()}
    assert left == {path.name: path.read_bytes() for path in (folder / "two").iterdir()}


def test_the_map_survives_the_disk(calibrated: dict[str, Any], folder: Path) -> None:
    path = folder / "llmroute-out/routing-map.yaml"
    routing_map = read_map(path)
    assert routing_map.query_router is not None
    assert routing_map.query_router.routing_threshold == pytest.approx(calibrated["threshold"])
    assert map_to_yaml(routing_map) == path.read_text()


def test_the_router_decides_in_process(calibrated: dict[str, Any], folder: Path) -> None:
    router = Router.load(folder / "llmroute-out/routing-map.yaml")
    hard = "Prove that the river theorem number 77 holds for every lamp and tower."
    easy = "Add 77 to the price of one river, a lamp and a tower."
    decision = router.decide(hard)
    assert decision.model == "large"
    assert decision.task == "mixed"
    assert decision.strong_win_rate is not None
    assert decision.strong_win_rate >= calibrated["threshold"]
    assert decision.reason.startswith("strong_win_rate 0.")
    assert router.decide(easy).model == "small"
    assert [one.model for one in router.decide_many([hard, easy, ""])] == [
        "large",
        "small",
        "large",
    ]
    with pytest.raises(UnknownName, match="mixd"):
        router.decide(hard, task="mixd")


def test_a_prompt_unlike_the_training_prompts_goes_to_strong(
    calibrated: dict[str, Any], folder: Path
) -> None:
    router = Router.load(folder / "llmroute-out/routing-map.yaml")
    decision = router.decide("Übersetze bitte diesen Absatz ins Japanische, höflich und knapp.")
    assert decision.model == "large"
    assert "unlike the training prompts" in decision.reason


@pytest.mark.parametrize("name", ["query-router.json", "query-router.npz"])
def test_an_edited_router_is_refused(calibrated: dict[str, Any], folder: Path, name: str) -> None:
    path = folder / "llmroute-out" / name
    path.write_bytes(path.read_bytes().replace(b"0", b"1"))
    with pytest.raises(InputError, match="llmroute calibrate"):
        Router.load(folder / "llmroute-out/routing-map.yaml")


def without_scores(rows: list[dict[str, Any]]) -> None:
    for row in rows:
        row["models"]["small"]["score"] = None


def with_one_class(rows: list[dict[str, Any]]) -> None:
    for row in rows:
        row["models"]["small"]["score"], row["models"]["large"]["score"] = 0.0, 1.0


def with_nan(rows: list[dict[str, Any]]) -> None:
    rows[3]["models"]["small"]["score"] = float("nan")


def with_a_contradiction(rows: list[dict[str, Any]]) -> None:
    again = json.loads(json.dumps(rows[3]))
    again["models"]["small"]["score"] = 1 - again["models"]["small"]["score"]
    rows.append(again)


def without_prompts(rows: list[dict[str, Any]]) -> None:
    for row in rows:
        del row["prompt"]


def cut_short(rows: list[dict[str, Any]]) -> None:
    del rows[20:]


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (without_scores, "small"),
        (with_one_class, "at least 10 are needed"),
        (with_nan, "not a"),
        (with_a_contradiction, "another result for the same prompt"),
        (without_prompts, "no prompt text"),
        (cut_short, "distinct prompts with scores of 'small' and 'large': at least 50"),
    ],
)
def test_outcomes_that_cannot_carry_a_router_are_refused(
    spoil: Callable[[list[dict[str, Any]]], None], said: str, folder: Path, llmroute: Invoke
) -> None:
    rows = rows_of(120)
    spoil(rows)
    data = write(folder / "spoilt.jsonl", rows)
    result = llmroute("calibrate", "-d", data, "--weak", "small", "--strong", "large")
    assert result.exit_code == 2, result.stdout
    assert said in result.stderr
    assert not (folder / "llmroute-out").exists()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--weak", "large", "--strong", "small"), "Swap them: --weak small --strong large"),
        (("--weak", "smal"), "Did you mean 'small'?"),
        (("--weak", "small", "--strong", "small"), "both the weak and the strong model"),
        (("--task", "mixd"), "Did you mean 'mixed'?"),
        (("--router", "tfid"), "Did you mean 'tfidf'?"),
        (("--target-strong", "1.5"), "1.5 is not a share of the queries in [0, 1]"),
        (("--target-strong", "nan"), "is not a share of the queries"),
        (("--asymmetry", "0.5"), "must be at least 1"),
        (("--knee", "--min-pgr", "0.8"), "--min-pgr and --knee are two targets"),
        (("--router", "tfidf", "--max-usd-per-1k", "0.01"), "The nearest that can be met is"),
        (("--router", "tfidf", "--max-quality-loss", "0.0001"), "--max-quality-loss 0."),
        (("--embeddings", "local:nowhere", "--router", "embedding"), "nowhere"),
    ],
)
def test_what_cannot_be_asked_is_refused(
    options: tuple[str, ...], said: str, outcomes: Path, folder: Path, llmroute: Invoke
) -> None:
    result = llmroute("calibrate", "-d", outcomes, *options)
    assert result.exit_code == 2, result.stdout
    assert said in result.stderr
    assert not (folder / "llmroute-out").exists()


def test_without_a_run_it_says_to_bench_first(folder: Path, llmroute: Invoke) -> None:
    result = llmroute("calibrate")
    assert result.exit_code in (2, 3)
    assert "llmroute bench" in result.stderr


def test_a_promised_loss_is_said_in_words(outcomes: Path, folder: Path, llmroute: Invoke) -> None:
    result = llmroute("calibrate", "-d", outcomes, "--router", "tfidf", "--max-quality-loss", "0.1")
    assert result.exit_code == 0, result.stderr
    assert "at most 10 points of quality" in result.stdout


def test_the_figures_of_routellms_arithmetic_stand_beside_the_exact_ones(
    outcomes: Path, llmroute: Invoke
) -> None:
    result = llmroute("calibrate", "-d", outcomes, "--router", "tfidf", "--routellm-compat")
    assert result.exit_code == 0, result.stderr
    lines = [line.split() for line in result.stdout.splitlines()]
    exact = next(line for line in lines if line[:1] == ["exact"])
    theirs = next(line for line in lines if line[:1] == ["RouteLLM's"])
    assert float(theirs[1]) == pytest.approx(float(exact[1]), abs=0.02)


def test_a_run_in_the_store_is_calibrated_without_naming_files(
    chat_server: Any, configure: Callable[..., Path], folder: Path, llmroute: Invoke
) -> None:
    suite = "".join(
        f"  - {{id: s{i}, input: '{text}', target: yes}}\n"
        for i, text in enumerate(row["prompt"] for row in rows_of(120))
    )
    chat_server.script = lambda asked: (
        "yes" if asked.body["model"] == "large" or "Add" in asked.prompt else "no"
    )
    configure(
        f"  - {{model: openai/large, name: large, api_base: '{chat_server.url}', "
        "price: {input_usd_per_mtok: 10, output_usd_per_mtok: 30}}\n"
        f"  - {{model: openai/small, name: small, api_base: '{chat_server.url}', "
        "price: {input_usd_per_mtok: 0.1, output_usd_per_mtok: 0.3}}"
    )
    (folder / "suites/colours.yaml").write_text(
        "name: colours\ntask: colours\nmetric: exact\nsamples:\n"
        + suite.replace(": yes", ": 'yes'")
    )
    assert llmroute("bench").exit_code == 0
    result = llmroute("calibrate", "--router", "tfidf", "--knee", "--json")
    assert result.exit_code == 0, result.stderr
    figures = json.loads(result.stdout)
    assert (figures["weak"], figures["strong"], figures["n"]) == ("small", "large", 120)
    assert figures["shipped"]
    assert figures["cost_usd_per_1k"]["value"] > 0


def test_several_candidates_are_measured_and_nothing_is_written(
    folder: Path, llmroute: Invoke
) -> None:
    rows = rows_of()
    for row in rows:
        proves = row["prompt"].startswith("Prove")
        row["models"]["prover"] = {"score": float(proves), "cost_usd": 0.001}
    data = write(folder / "three.jsonl", rows)
    options = ("calibrate", "-d", data, "--candidates", "small,large,prover", "--knee")
    result = llmroute(*options, "--json")
    assert result.exit_code == 0, result.stderr
    figures = json.loads(result.stdout)
    assert figures["schema"] == "llmroute/calibration-several/1"
    assert (figures["beats_singles"], figures["beats_task_map"]) == (True, True)
    assert figures["aiq"]["value"] > figures["aiq_single_hull"]["value"]
    assert sum(figures["shares"].values()) == pytest.approx(1.0)
    # One task only: a choice a task is a choice of a single model.
    assert figures["controls"]["task_map"]["lift"]["value"] <= 1e-9
    assert "Choosing among 3 candidates per query costs" in llmroute(*options).stdout
    assert not (folder / "llmroute-out").exists()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--candidates", "small"), "a choice needs two candidates"),
        (("--candidates", "small,large"), "several candidates have no --target-strong"),
        (("--candidates", "small,larg", "--knee"), "Did you mean 'large'?"),
        (("--candidates", "small,large", "--weak", "small"), "both named"),
        (("--candidates", "small,large", "--policy", "cascade"), "--policy cascade is of a pair"),
    ],
)
def test_what_several_candidates_cannot_be_asked(
    options: tuple[str, ...], said: str, outcomes: Path, llmroute: Invoke
) -> None:
    result = llmroute("calibrate", "-d", outcomes, *options)
    assert result.exit_code == 2
    assert said in result.stderr


def test_importing_the_package_does_not_import_numpy() -> None:
    code = "import llmroute, sys; assert 'numpy' not in sys.modules; llmroute.Router"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_the_page_shows_curve_map_and_misroutes_and_trusts_no_prompt(
    folder: Path, llmroute: Invoke
) -> None:
    rows = rows_of()
    for row in rows:
        row["prompt"] += " <script>alert(1)</script> \u202e"
    data = write(folder / "hostile.jsonl", rows)
    result = llmroute("calibrate", "-d", data, "--router", "tfidf")
    assert result.exit_code == 0, result.stderr
    page = (folder / "llmroute-out/calibration.html").read_text()
    assert page.count("<script>") == 1  # the page's own
    assert "<script>alert" not in page
    assert "\u202e" not in page
    assert "default-src &#39;none&#39;; style-src &#39;sha256-" in page
    assert "script-src &#39;sha256-" in page
    assert page.count('<polyline class="line router"') == 2
    assert page.count('class="spot chosen"') == 3  # a chart each, and the legend
    assert page.count("went-strong") + page.count("went-weak") >= 300
    assert page.count('<td class="prompt">') == 20


def test_a_refused_router_leaves_a_page_that_says_so(folder: Path, llmroute: Invoke) -> None:
    data = write(folder / "shuffled.jsonl", rows_of(shuffled=True))
    result = llmroute("calibrate", "-d", data, "--router", "tfidf")
    assert result.exit_code == 0, result.stderr
    assert {path.name for path in (folder / "llmroute-out").iterdir()} == {
        "calibration.html",
        "routing-map.yaml",
    }
    page = (folder / "llmroute-out/calibration.html").read_text()
    assert '<h1 id="verdict-h">No query router is worth running' in page


def test_the_json_has_each_task_and_how_far_scores_can_be_believed(
    calibrated: dict[str, Any],
) -> None:
    (task,) = calibrated["tasks"]
    assert (task["task"], task["n"], task["few"]) == ("mixed", 300, False)
    assert task["quality"]["value"] == pytest.approx(calibrated["quality"]["value"])
    assert task["cost_usd_per_1k"]["value"] == pytest.approx(calibrated["cost_usd_per_1k"]["value"])
    assert task["always_strong"]["cost_usd_per_1k"] == pytest.approx(2.0)
    found = calibrated["reliability"]
    assert sum(one["n"] for one in found["bins"]) == 300
    assert found["brier"] < found["brier_of_mean"]  # proofs and sums are told apart
    assert 0 < found["ece_by_chance"] < found["ece"] + 0.1


def test_the_page_uses_the_projects_own_templates(
    outcomes: Path, folder: Path, llmroute: Invoke
) -> None:
    (folder / "llmroute.yaml").write_text("candidates: [nonsense", encoding="utf-8")  # not read
    for name, colour in (("reports", "rebeccapurple"), ("ours", "papayawhip")):
        (folder / name).mkdir()
        (folder / name / "calibration.css").write_text(f"body {{ color: {colour} }}")
    page = folder / "llmroute-out/calibration.html"
    run = ("calibrate", "-d", outcomes, "--router", "length")
    assert llmroute(*run).exit_code == 0
    assert "rebeccapurple" in page.read_text()
    assert llmroute(*run, "--template", "ours").exit_code == 0
    assert "papayawhip" in page.read_text()
    assert "rebeccapurple" not in page.read_text()


def test_a_template_folder_that_is_not_there_is_refused(
    outcomes: Path, folder: Path, llmroute: Invoke
) -> None:
    result = llmroute("calibrate", "-d", outcomes, "--router", "length", "--template", "ousr")
    assert result.exit_code == 2
    assert "ousr" in result.stderr
    assert not (folder / "llmroute-out").exists()


def test_a_template_that_is_wrong_is_named_and_nothing_is_written(
    outcomes: Path, folder: Path, llmroute: Invoke
) -> None:
    (folder / "ours").mkdir()
    (folder / "ours/calibration.html.j2").write_text("line one\n{{ view.headlin }}\n")
    result = llmroute("calibrate", "-d", outcomes, "--router", "length", "--template", "ours")
    assert result.exit_code == 2
    assert "headlin" in result.stderr
    assert not (folder / "llmroute-out/calibration.html").exists()
