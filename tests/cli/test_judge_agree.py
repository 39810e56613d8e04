import csv
import json

import pytest
from typer.testing import CliRunner

from llmroute.cli.app import app


@pytest.fixture
def run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def run(*args):
        return CliRunner().invoke(app, ["judge", "agree", *map(str, args)])

    return run


@pytest.fixture
def outcomes(tmp_path):
    """Two candidates on 80 samples, judged by a judge that is wrong on every eighth."""
    with (tmp_path / "o.jsonl").open("w") as file:
        for i in range(80):
            models = {
                name: {
                    "score": float((i % good > 0) != (i % 8 == 3)),
                    "answer": f"=HYPERLINK({i}) " + ("right" if i % good else "wrong"),
                    "judge": "openai/judge",
                }
                for name, good in (("cheap", 4), ("dear", 10))
            }
            row = {"id": f"q{i}", "task": "mail", "prompt": f"Write {i}", "models": models}
            file.write(json.dumps(row) + "\n")
    return tmp_path / "o.jsonl"


def fill_in(path, rater="ann"):
    with path.open() as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        row["score"], row["rater"] = str(int("right" in row["answer"])), rater
    with path.open("w") as file:
        writer = csv.DictWriter(file, rows[0].keys())
        writer.writeheader()
        writer.writerows(rows)
    return rows


def test_a_sample_is_drawn_labelled_and_set_beside_the_judge(run, outcomes, tmp_path):
    drawn = run("--data", outcomes, "--sample", 60, "-o", "labels.csv")
    assert drawn.exit_code == 0, drawn.output
    assert "60 answers to label" in drawn.stderr
    fill_in(tmp_path / "labels.csv")
    shown = run("--data", outcomes, "--labels", "labels.csv", "--json", "-o", "a.md")
    assert shown.exit_code == 0, shown.output
    (task,) = json.loads(shown.stdout)["tasks"]
    (judge,) = task["judges"]
    assert (task["task"], judge["judge"], judge["n"]) == ("mail", "openai/judge", 60)
    assert judge["majority"]["accuracy"]["value"] == pytest.approx(0.875, abs=0.08)
    assert "| `openai/judge` | majority | 60 |" in (tmp_path / "a.md").read_text()


def test_the_sample_names_no_candidate_and_holds_no_formula(run, outcomes, tmp_path):
    run("--data", outcomes, "--sample", 60, "-o", "labels.csv")
    text = (tmp_path / "labels.csv").read_text()
    assert "cheap" not in text
    assert "dear" not in text
    cells = [cell for row in csv.reader(text.splitlines()) for cell in row]
    assert not [cell for cell in cells if cell[:1] in "=+-@" and cell]
    assert any(cell.startswith("'=HYPERLINK") for cell in cells)


def test_the_table_and_the_reading_are_printed(run, outcomes, tmp_path):
    run("--data", outcomes, "--sample", 60, "-o", "labels.csv")
    fill_in(tmp_path / "labels.csv")
    shown = run("--data", outcomes, "-l", "labels.csv")
    assert "mail: 60 answers labelled by 1 person" in shown.stdout
    assert "openai/judge (rows) beside the majority" in shown.stdout
    assert "let a second person label 20 of the same" in shown.stdout


@pytest.mark.parametrize(
    ("args", "message"),
    [
        ((), "there are no labels to set judges beside"),
        (("--labels", "x.csv", "--sample", "5"), "Leave one of them out"),
        (("--sample", "5"), "Name it: -o labels.csv"),
        (("--sample", "5", "-o", "x.md"), "does not end in .csv or .jsonl"),
        (("--labels", "nowhere.csv"), "nowhere.csv: cannot read the file"),
        (
            ("--data", "nowhere.jsonl", "--sample", "5", "-o", "l.csv"),
            "nowhere.jsonl: cannot read the file",
        ),
    ],
)
def test_what_cannot_be_meant_is_refused(run, args, message):
    result = run(*args)
    assert result.exit_code == 2
    assert message in result.stderr


def test_one_rater_without_a_judge_is_refused(run, tmp_path):
    (tmp_path / "l.csv").write_text("task,sample_id,candidate,rater,score\nmail,q1,a,ann,1\n")
    result = run("--labels", "l.csv")
    assert result.exit_code == 2
    assert "l.csv:2: only 'ann' labelled 'mail', and no judge's verdict on it" in result.stderr


def test_an_unknown_judge_or_task_is_refused(run, outcomes, tmp_path):
    run("--data", outcomes, "--sample", 60, "-o", "labels.csv")
    fill_in(tmp_path / "labels.csv")
    for option, name in (("--judge", "openai/jugde"), ("--task", "mial")):
        result = run("--data", outcomes, "-l", "labels.csv", option, name)
        assert result.exit_code == 2
        assert "Did you mean" in result.stderr


def test_labels_of_another_run_are_refused(run, outcomes, tmp_path):
    (tmp_path / "l.csv").write_text("task,sample_id,candidate,rater,score\nmail,q999,cheap,ann,1\n")
    result = run("--data", outcomes, "--labels", "l.csv")
    assert result.exit_code == 2
    assert "l.csv:2: unknown sample 'q999'" in result.stderr
    assert "The answers come from" in result.stderr
