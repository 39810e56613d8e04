"""Judged suites, run against a loopback server as a user runs them."""

from __future__ import annotations

import csv
import json
import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

Invoke = Callable[..., Any]
Configure = Callable[..., Path]

SUITE = """\
name: letters
task: letters
prompt: "Write a letter: {{ input }}"
judge: helpfulness
quality_threshold: 0.5
samples:
"""
N = 40
GOOD = "Dear friend, here is all you asked for."
BAD = "I would rather not write that."


def said_answer(asked: Any) -> str:
    """The answer as the judge is shown it: one line of JSON in a block."""
    found = re.search(r"^BEGIN answer (\w+)\n(.*)\nEND answer \1$", asked.prompt, re.MULTILINE)
    assert found is not None, asked.prompt
    return json.loads(found[2])


def verdict(level: str) -> str:
    """A reply on every criterion of `helpfulness`."""
    worst = {"partly": "no"}
    return json.dumps(
        {
            name: {"evidence": "…", "reasoning": "As it is.", "verdict": worst.get(level, level)}
            for name in ("on_task", "sound", "to_the_point")
        }
    )


def grades_rightly(asked: Any) -> str:
    return verdict("yes" if "all you asked" in said_answer(asked) else "no")


@pytest.fixture
def models(chat_server: Any, folder: Path) -> Any:
    """A good and dear model, a bad and cheap one, and a judge; `chat_server.judge` grades."""
    chat_server.judge = grades_rightly

    def script(asked: Any) -> Any:
        if asked.body["model"].startswith("judge"):
            return chat_server.judge(asked)
        number = re.search(r"number (\d+)", asked.prompt)
        return f"{GOOD if asked.body['model'] == 'good' else BAD} {number and number[1]}"

    chat_server.script = script
    (folder / "suites").mkdir()
    samples = "".join(f"  - {{id: s{i}, input: number {i}}}\n" for i in range(N))
    (folder / "suites/letters.yaml").write_text(SUITE + samples)
    configure(chat_server, folder)
    return chat_server


def configure(server: Any, folder: Path, judge: str = "", more: str = "") -> None:
    def one(name: str, usd: float) -> str:
        return (
            f"{{model: openai/{name}, name: {name}, api_base: '{server.url}', "
            f"params: {{max_tokens: 1000}}, "
            f"price: {{input_usd_per_mtok: {usd}, output_usd_per_mtok: {usd}}}}}"
        )

    default = f"judge: {{model: {one('judge', 5)}}}"
    judge = judge.format(judge=one("judge", 5), other=one("judge2", 5), good=one("good", 9))
    (folder / "llmroute.yaml").write_text(
        f"suites: [suites/*.yaml]\ncandidates:\n  - {one('good', 10)}\n  - {one('bad', 0.1)}\n"
        f"{judge or default}\n{more}"
    )


def judged(server: Any) -> list[Any]:
    return [asked for asked in server.requests if asked.body["model"].startswith("judge")]


def task_of(folder: Path) -> Any:
    text = (folder / "llmroute-out/routing-map.yaml").read_text()
    return yaml.safe_load(text)["tasks"]["letters"]


def outcomes(folder: Path) -> list[Any]:
    lines = (folder / "llmroute-out/outcomes.jsonl").read_text().splitlines()
    return [json.loads(line) for line in lines]


def test_a_judge_grades_every_answer_and_the_map_follows_it(
    models: Any, llmroute: Invoke, folder: Path
) -> None:
    result = llmroute("bench")
    assert result.exit_code == 0, result.stderr
    assert len(judged(models)) == 2 * N
    assert task_of(folder)["route"] == "good"
    assert task_of(folder)["evidence"]["quality"] == 1.0
    rows = outcomes(folder)
    assert {row["models"]["good"]["score"] for row in rows} == {1.0}
    assert {row["models"]["bad"]["score"] for row in rows} == {0.0}


def test_a_judged_run_again_asks_nobody_and_says_the_same(
    models: Any, llmroute: Invoke, folder: Path
) -> None:
    llmroute("bench")
    first = task_of(folder)
    models.requests.clear()
    assert llmroute("bench").exit_code == 0
    assert models.requests == []
    assert task_of(folder) == first
    assert llmroute("bench", "--offline").exit_code == 0
    assert llmroute("map").exit_code == 0
    assert task_of(folder) == first


def test_an_unreadable_verdict_is_repaired_once_and_else_no_score(
    models: Any, llmroute: Invoke, folder: Path
) -> None:
    def mumbles(asked: Any) -> str:
        tried = len(asked.body["messages"]) > 2
        if "number 3" in str(asked.body) and not tried:
            return "It is fine, I think."
        if "number 5" in str(asked.body) and "rather not" in str(asked.body):
            return "8/10"
        shown = next(m for m in asked.body["messages"] if m["role"] == "user")
        return verdict("yes" if "all you asked" in shown["content"] else "no")

    models.judge = mumbles
    llmroute("bench")
    rows = {row["id"]: row["models"] for row in outcomes(folder)}
    assert rows["s3"]["good"]["score"] == 1.0
    assert rows["s5"]["bad"]["score"] is None
    assert rows["s5"]["bad"]["reason"].startswith("not_scored: unreadable verdict")
    models.requests.clear()
    llmroute("bench")
    assert models.requests == []


def test_a_judge_that_is_down_leaves_answers_unscored_until_it_is_back(
    models: Any, llmroute: Invoke, folder: Path
) -> None:
    def down_for_half(asked: Any) -> Any:
        if int(re.search(r"number (\d+)", asked.prompt)[1]) % 2:  # type: ignore[index]
            return models.reply({"error": {"message": "no"}}, status=400)
        return grades_rightly(asked)

    models.judge = down_for_half
    llmroute("bench")
    assert task_of(folder)["verdict"] == "fallback"
    scores = Counter(row["models"]["good"]["score"] for row in outcomes(folder))
    assert scores == {None: N / 2, 1.0: N / 2}
    models.judge = grades_rightly
    models.requests.clear()
    assert llmroute("bench").exit_code == 0
    assert len(models.requests) == len(judged(models)) == N
    assert task_of(folder)["route"] == "good"


def test_an_answer_that_says_nothing_scores_zero_without_a_judge(
    models: Any, llmroute: Invoke, folder: Path
) -> None:
    answering = models.script
    models.script = lambda asked: (
        "Thought process:" if asked.body["model"] == "bad" else answering(asked)
    )
    llmroute("bench")
    assert len(judged(models)) == N
    assert {row["models"]["bad"]["score"] for row in outcomes(folder)} == {0.0}


def test_a_judge_that_is_a_candidate_is_refused_unless_it_is_allowed(
    models: Any, llmroute: Invoke, folder: Path
) -> None:
    configure(models, folder, "judge: {{model: {good}}}")
    result = llmroute("bench")
    assert result.exit_code == 2
    assert "the judge good would grade itself: it is the candidate good too" in result.stderr
    assert models.requests == []
    configure(models, folder, "judge: {{model: {good}, allow_self_judging: true}}")
    assert llmroute("bench", "--dry-run").exit_code == 0


def test_no_judge_named_is_said_before_any_call(
    models: Any, llmroute: Invoke, folder: Path
) -> None:
    configure(models, folder, "seed: 1")
    result = llmroute("bench")
    assert result.exit_code == 2
    assert "suite 'letters' is graded by a judge, and no judge is named" in result.stderr


def test_a_judge_without_a_key_is_said_with_what_to_do(
    models: Any, llmroute: Invoke, folder: Path
) -> None:
    configure(models, folder, "judge: {{model: anthropic/claude-haiku-4-5}}")
    result = llmroute("bench")
    assert result.exit_code == 2
    assert "no key for judge:anthropic/claude-haiku-4-5; nothing was sent" in result.stderr
    assert "name another judge, or choose suites that need none" in " ".join(result.stderr.split())
    assert models.requests == []


def test_an_unknown_rubric_is_named_with_its_place_and_the_closest_one(
    models: Any, llmroute: Invoke, folder: Path
) -> None:
    path = folder / "suites/letters.yaml"
    path.write_text(path.read_text().replace("judge: helpfulness", "judge: helpfullness"))
    result = llmroute("bench")
    assert result.exit_code == 2
    assert "suites/letters.yaml:4:8" in result.stderr
    assert "Did you mean 'helpfulness'?" in result.stderr


def test_the_plan_counts_and_prices_the_judge(models: Any, llmroute: Invoke) -> None:
    plan = json.loads(llmroute("bench", "--dry-run", "--json").stdout)
    judge = next(c for c in plan["candidates"] if c["candidate"] == "judge:judge")
    assert (judge["n_calls"], judge["n_missing"]) == (2 * N, 2 * N)
    assert judge["cost_usd"]["value"] > 0
    llmroute("bench")
    plan = json.loads(llmroute("bench", "--dry-run", "--json").stdout)
    assert plan["n_missing"] == 0


def test_the_cap_covers_verdicts_too(models: Any, llmroute: Invoke, folder: Path) -> None:
    answering = models.script
    usage = {"prompt_tokens": 50, "completion_tokens": 1000}
    models.script = lambda asked: models.answer(answering(asked), usage=usage)
    result = llmroute("bench", "--max-usd", 0.5)
    assert result.exit_code == 4, result.stderr
    usd_per_mtok = {"good": 10, "bad": 0.1, "judge": 5}
    spent = sum(1050 * usd_per_mtok[asked.body["model"]] / 1e6 for asked in models.requests)
    assert spent <= 0.5
    assert 0 < len(judged(models)) < 2 * N


def test_a_race_asks_fewer_answers_and_fewer_verdicts(
    models: Any, llmroute: Invoke, folder: Path
) -> None:
    result = llmroute("bench", "--strategy", "race", "--reference", "good")
    assert result.exit_code == 0, result.stderr
    assert task_of(folder)["route"] == "good"
    answers = Counter(asked.body["model"] for asked in models.requests)
    assert answers["bad"] < N
    assert answers["judge"] == answers["good"] + answers["bad"]
    models.requests.clear()
    llmroute("bench", "--strategy", "race", "--reference", "good")
    assert models.requests == []


def test_a_panel_is_the_mean_of_its_judges(models: Any, llmroute: Invoke, folder: Path) -> None:
    configure(models, folder, "judge: {{models: [{judge}, {other}]}}")
    models.judge = lambda asked: (
        verdict("yes") if asked.body["model"] == "judge2" else grades_rightly(asked)
    )
    assert llmroute("bench").exit_code == 0
    assert len(judged(models)) == 4 * N
    assert {row["models"]["bad"]["score"] for row in outcomes(folder)} == {0.5}
    assert {row["models"]["good"]["score"] for row in outcomes(folder)} == {1.0}


def test_equal_answers_share_a_verdict(models: Any, llmroute: Invoke) -> None:
    answering = models.script
    models.script = lambda asked: (
        answering(asked) if asked.body["model"].startswith("judge") else GOOD
    )
    assert llmroute("bench").exit_code == 0
    assert len(judged(models)) == N


def prefers(asked: Any, *, first: bool | None = None) -> str:
    """Prefers the good answer, or blindly the one in a place."""
    shown = re.findall(r"^BEGIN (?:first|second) answer \w+\n(.*)$", asked.prompt, re.MULTILINE)
    is_first = "all you asked" in shown[0] if first is None else first
    said = "first" if is_first else "second"
    return json.dumps({"evidence": "", "reasoning": "Better.", "verdict": said})


def test_pairs_are_shown_in_both_orders(models: Any, llmroute: Invoke, folder: Path) -> None:
    configure(models, folder, "judge: {{model: {judge}, pairwise: reference}}", "reference: good")
    models.judge = prefers
    assert llmroute("bench").exit_code == 0
    assert len(judged(models)) == 2 * N  # the reference is not compared with itself
    rows = outcomes(folder)
    assert {row["models"]["good"]["score"] for row in rows} == {0.5}
    assert {row["models"]["bad"]["score"] for row in rows} == {0.0}
    models.requests.clear()
    llmroute("bench")
    assert models.requests == []


def test_a_pair_that_flips_with_its_order_is_a_tie(
    models: Any, llmroute: Invoke, folder: Path
) -> None:
    configure(models, folder, "judge: {{model: {judge}, pairwise: reference}}", "reference: good")
    models.judge = lambda asked: prefers(asked, first=True)
    llmroute("bench")
    assert {row["models"]["bad"]["score"] for row in outcomes(folder)} == {0.5}
    assert {row["models"]["bad"]["parts"]["flipped"] for row in outcomes(folder)} == {1.0}


def test_comparing_with_a_reference_needs_one(models: Any, llmroute: Invoke, folder: Path) -> None:
    configure(models, folder, "judge: {{model: {judge}, pairwise: reference}}")
    result = llmroute("bench")
    assert result.exit_code == 2
    assert "compares with the reference, and no reference is named" in result.stderr


def test_a_run_that_stops_between_answers_and_verdicts_goes_on_with_the_verdicts(
    models: Any, llmroute: Invoke
) -> None:
    models.judge = lambda asked: models.reply({"error": {"message": "down"}}, status=401)
    llmroute("bench")
    models.judge = grades_rightly
    models.requests.clear()
    llmroute("bench")
    assert {asked.body["model"] for asked in models.requests} == {"judge"}
    assert len(judged(models)) == 2 * N


def test_pruning_takes_a_runs_verdicts_with_its_answers_and_leaves_those_in_use(
    models: Any, llmroute: Invoke, folder: Path
) -> None:
    def stored() -> dict[str, int]:
        stats = json.loads(llmroute("store", "stats", "--json").stdout)
        return dict(stats["answers_by_model"])

    llmroute("bench", "--candidate", "good", "--candidate", "bad")
    llmroute("bench", "--candidate", "good")
    assert stored() == {"openai/bad": N, "openai/good": N, "openai/judge": 2 * N}
    llmroute("store", "prune", "--keep-runs", 1, "--yes")
    assert stored() == {"openai/good": N, "openai/judge": N}
    models.requests.clear()
    assert llmroute("bench", "--candidate", "good").exit_code == 0
    assert models.requests == []


# -- people's labels ------------------------------------------------------------------------------


def label_sample(llmroute: Invoke, folder: Path, n: int = 70) -> None:
    """A sample of the run's answers, labelled as a person would who finds one good letter bad."""
    assert llmroute("judge", "agree", "--sample", str(n), "-o", "labels.csv").exit_code == 0
    path = folder / "labels.csv"
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        row["score"] = str(int("all you asked" in row["answer"]))
        row["rater"] = "ann"
    next(row for row in rows if row["score"] == "1")["score"] = "no"  # a level of the rubric
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, rows[0].keys())
        writer.writeheader()
        writer.writerows(rows)


def test_without_labels_the_map_says_that_its_judge_is_uncalibrated(
    models: Any, llmroute: Invoke, folder: Path
) -> None:
    llmroute("bench")
    task = task_of(folder)
    assert (task["verdict"], task["evidence"]["judge"]) == ("likely", "uncalibrated")
    assert task["evidence"]["judging"] == {
        "judges": ["judge"],
        "rubric": "helpfulness",
        "reason": "none of the 50 answers are labelled that it takes",
        "n_labels": 0,
        "unreadable_share": 0.0,
    }


def test_a_sample_is_drawn_labelled_and_corrects_the_map_without_a_call(
    models: Any, llmroute: Invoke, folder: Path
) -> None:
    llmroute("bench")
    label_sample(llmroute, folder)
    n_before = len(models.requests)
    result = llmroute("map", "--labels", "labels.csv", "--out", "llmroute-out")
    assert result.exit_code == 0, result.stderr
    evidence = task_of(folder)["evidence"]
    assert evidence["judge"] == "calibrated"
    assert evidence["judging"]["n_labels"] == 70
    assert evidence["judging"]["correction"] == "ppi"
    assert evidence["quality"] < 1.0
    assert len(models.requests) == n_before


def test_labels_of_the_configuration_are_kept_with_the_run(
    models: Any, llmroute: Invoke, folder: Path
) -> None:
    llmroute("bench")
    label_sample(llmroute, folder)
    text = (folder / "llmroute.yaml").read_text()
    (folder / "llmroute.yaml").write_text(text.replace("judge: {", "judge: {labels: labels.csv, "))
    n_before = len(models.requests)
    assert llmroute("bench").exit_code == 0
    assert len(models.requests) == n_before
    written = (folder / "llmroute-out/routing-map.yaml").read_text()
    assert task_of(folder)["evidence"]["judge"] == "calibrated"
    (folder / "labels.csv").unlink()
    llmroute("map", "--out", "llmroute-out")
    assert (folder / "llmroute-out/routing-map.yaml").read_text() == written
    verified = llmroute(
        "map", "verify", "llmroute-out/routing-map.yaml", "--data", "llmroute-out/outcomes.jsonl"
    )
    assert verified.exit_code == 0, verified.output


def test_labels_of_unknown_samples_are_refused_before_anything_is_asked(
    models: Any, llmroute: Invoke, folder: Path
) -> None:
    (folder / "l.csv").write_text("task,sample_id,candidate,rater,score\nletters,s99,good,ann,1\n")
    result = llmroute("bench", "--labels", "l.csv")
    assert result.exit_code == 2
    assert "l.csv:2: unknown sample 's99'" in result.stderr
    assert not models.requests


def test_labels_of_a_part_of_the_suite_are_no_fault_of_a_limited_run(
    models: Any, llmroute: Invoke, folder: Path
) -> None:
    (folder / "l.csv").write_text("task,sample_id,candidate,rater,score\nletters,s9,good,ann,1\n")
    assert llmroute("bench", "--limit", "3", "--labels", "l.csv").exit_code == 0
    assert task_of(folder)["evidence"]["judge"] == "uncalibrated"


def test_levels_of_the_rubric_are_labels(models: Any, llmroute: Invoke, folder: Path) -> None:
    lines = [f"letters,s{i},{name},ann,yes" for i in range(30) for name in ("good", "bad")]
    (folder / "l.csv").write_text("\n".join(["task,sample_id,candidate,rater,score", *lines]))
    assert llmroute("bench", "--labels", "l.csv").exit_code == 0
    assert task_of(folder)["evidence"]["judging"]["n_labels"] == 60
    (folder / "l.csv").write_text(
        "task,sample_id,candidate,rater,score\nletters,s1,good,ann,yess\n"
    )
    result = llmroute("bench", "--labels", "l.csv")
    assert result.exit_code == 2
    assert "l.csv:2: 'score' is 'yess', no score" in result.stderr


def test_a_label_does_not_pass_to_an_answer_that_came_later(
    models: Any, llmroute: Invoke, folder: Path
) -> None:
    llmroute("bench")
    label_sample(llmroute, folder)
    script = models.script
    models.script = lambda asked: (
        script(asked) if asked.body["model"].startswith("judge") else script(asked) + " And more."
    )
    assert llmroute("bench", "--refresh", "--labels", "labels.csv").exit_code == 0
    evidence = task_of(folder)["evidence"]
    assert (evidence["judge"], evidence["judging"]["n_labels"]) == ("uncalibrated", 0)
    notes = yaml.safe_load((folder / "llmroute-out/routing-map.yaml").read_text())["notes"]
    assert any("70 labels are of answers that have been replaced since" in note for note in notes)


def test_a_race_is_not_run_on_scores_that_labels_correct_later(
    models: Any, llmroute: Invoke, folder: Path
) -> None:
    (folder / "l.csv").write_text("task,sample_id,candidate,rater,score\nletters,s9,good,ann,1\n")
    result = llmroute("bench", "--strategy", "race", "--labels", "l.csv")
    assert result.exit_code == 2
    assert "before labels could correct it" in result.stderr


def test_compared_answers_are_labelled_side_by_side(
    models: Any, llmroute: Invoke, folder: Path
) -> None:
    models.judge = lambda asked: json.dumps(
        {"evidence": "…", "reasoning": "…", "verdict": "first" if "Dear friend" in
         asked.prompt.partition("END first")[0] else "second"}
    )  # fmt: skip
    configure(models, folder, "judge: {{model: {judge}, pairwise: reference}}", "reference: good\n")
    assert llmroute("bench").exit_code == 0
    drawn = llmroute("judge", "agree", "--sample", "60", "-o", "labels.csv")
    assert drawn.exit_code == 0, drawn.stderr
    with (folder / "labels.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    pairs = [row for row in rows if row["first_answer"]]
    for row in pairs:
        row["winner"] = "first" if "Dear friend" in row["first_answer"] else "second"
    with (folder / "labels.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, rows[0].keys())
        writer.writeheader()
        writer.writerows(pairs)
    shown = llmroute("judge", "agree", "--labels", "labels.csv", "--json")
    (task,) = json.loads(shown.stdout)["tasks"]
    assert task["compared"] is True
    assert task["judges"][0]["majority"]["accuracy"]["value"] == 1.0
