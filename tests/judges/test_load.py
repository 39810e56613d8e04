"""Rubric files are read, or refused with the place and a fix."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from llmroute.config.json_schemas import json_schema
from llmroute.config.yaml_source import read_yaml
from llmroute.errors import JudgeError, UnknownName
from llmroute.judges.load import find_rubrics, load_rubric, read_rubric
from llmroute.judges.rubric import rubric_digest
from llmroute.records import Level
from llmroute.resources import shipped

SHIPPED = sorted(shipped("judges").glob("*.yaml"))
GOOD = """\
name: own
criteria:
  - name: right
    question: Is it right?
    levels:
      - {label: wrong, value: 0, anchor: It is not.}
      - {label: right, value: 1, anchor: It is.}
"""


def write(folder: Path, text: str, name: str = "own") -> Path:
    path = folder / "judges" / f"{name}.yaml"
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    return path


def refused(folder: Path, text: str) -> JudgeError:
    with pytest.raises(JudgeError) as caught:
        read_rubric(write(folder, text))
    return caught.value


def place(error: JudgeError) -> str:
    """`line:column` of the message."""
    return (error.where or "").rpartition("own.yaml:")[2]


def test_a_rubric_is_what_its_file_says(tmp_path: Path) -> None:
    rubric = read_rubric(write(tmp_path, GOOD + "uses_target: true\nmax_words: 40\n"))
    (criterion,) = rubric.criteria
    assert (rubric.name, criterion.name, criterion.weight) == ("own", "right", 1.0)
    assert criterion.levels == (Level("wrong", 0.0, "It is not."), Level("right", 1.0, "It is."))
    assert (rubric.uses_target, rubric.max_words) == (True, 40)


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_a_shipped_rubric_loads_by_its_name_and_keeps_to_the_schema(path: Path) -> None:
    assert load_rubric(path.stem).description
    written = read_yaml(path).root.data()
    assert list(Draft202012Validator(json_schema("judge")).iter_errors(written)) == []


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_every_level_of_a_shipped_rubric_is_anchored_and_the_best_is_worth_1(path: Path) -> None:
    for criterion in read_rubric(path).criteria:
        assert (criterion.levels[0].value, criterion.levels[-1].value) == (0, 1)
        assert all(len(level.anchor.split()) >= 6 for level in criterion.levels), criterion.name


def test_the_projects_own_rubric_goes_before_the_shipped_one(tmp_path: Path) -> None:
    path = write(tmp_path, GOOD.replace("name: own", "name: helpfulness"), "helpfulness")
    assert load_rubric("helpfulness", root=tmp_path).path == path
    assert load_rubric("helpfulness").path == shipped("judges") / "helpfulness.yaml"
    assert find_rubrics(tmp_path)["helpfulness"] == path


def test_a_path_is_found_from_the_projects_folder(tmp_path: Path) -> None:
    write(tmp_path, GOOD)
    assert load_rubric("judges/own.yaml", root=tmp_path).name == "own"


def test_an_unknown_rubric_proposes_the_closest() -> None:
    with pytest.raises(UnknownName, match="Did you mean 'helpfulness'"):
        load_rubric("helpfullness")


def test_a_missing_file_says_what_is_there(tmp_path: Path) -> None:
    write(tmp_path, GOOD)
    with pytest.raises(JudgeError, match=r"own\.yaml"):
        load_rubric("judges/other.yaml", root=tmp_path)


LEVELS = GOOD[GOOD.index("    levels:") :]


@pytest.mark.parametrize(
    ("text", "at", "what"),
    [
        (GOOD.replace(LEVELS, ""), "3:5", "the key 'levels' is missing"),
        (GOOD.replace(LEVELS, "    levels: []\n"), "5:13", "two or three levels, not 0"),
        (
            GOOD.replace("      - {label: right, value: 1, anchor: It is.}\n", ""),
            "6:7",
            "two or three levels, not 1",
        ),
        (
            GOOD.replace("label: right", "label: Wrong"),
            "7:17",
            "'Wrong' is written twice",
        ),
        (GOOD.replace("value: 1", "value: 0"), "7:31", "out of order: 0 after 0"),
        (GOOD.replace("value: 0", "value: 1.5"), "6:31", "'value' should be at most 1"),
        (GOOD.replace("value: 0", "value: zero"), "6:31", "'value' should be a number, not text"),
        (GOOD.replace(", anchor: It is not.", ""), "6:9", "the key 'anchor' is missing"),
        (GOOD.replace("anchor: It is.", 'anchor: ""'), "7:42", "'anchor' should not be empty"),
        (GOOD.replace("label: right", "label: true"), "7:17", "'label' should be text"),
        (GOOD.replace("question:", "qestion:"), "3:5", "the key 'question' is missing"),
        (GOOD.replace("name: right", "name: Is it?"), "3:11", "'name'"),
        ("name: own\ncriteria: []\n", "2:11", "the rubric has no criteria"),
        (GOOD + GOOD.partition("criteria:\n")[2], "8:11", "the criterion 'right' is written twice"),
        (GOOD + "colour: red\n", "8:1", "unknown key 'colour'"),
        (GOOD + "use_target: true\n", "8:1", "unknown key 'use_target'"),
        (GOOD.replace("name: own", "name: other"), "1:7", "called 'other', its file 'own'"),
        (GOOD + "prompt: '{{ answer.__class__ }}'\n", "8:9", "the name '__class__' is not allowed"),
        (GOOD + "prompt: '{{ question }} {{ nonce }}'\n", "8:9", "does not show the answer"),
        (GOOD + "prompt: '{{ passage }}'\n", "8:9", "reads 'passage', which there is not"),
        (GOOD + "system: Grade it.\n", "8:9", "states the form of the reply"),
        ("", "1:1", "the file is empty"),
    ],
)
def test_bad_rubrics_are_refused_with_the_place(
    tmp_path: Path, text: str, at: str, what: str
) -> None:
    error = refused(tmp_path, text)
    assert what in str(error)
    assert at in re.findall(r"own\.yaml:(\d+:\d+)", str(error))
    assert error.fix


def test_the_digest_changes_with_what_a_judge_reads_and_with_nothing_else(tmp_path: Path) -> None:
    rubric = read_rubric(write(tmp_path, GOOD))
    moved = read_rubric(write(tmp_path, GOOD + "description: For people.\n"))
    assert rubric_digest(moved) == rubric_digest(rubric)
    others = {
        rubric_digest(read_rubric(write(tmp_path, GOOD + more)))
        for more in ("", "max_words: 9\n", "uses_target: true\n", "fields: [a]\n")
    }
    others.add(rubric_digest(read_rubric(write(tmp_path, GOOD.replace("It is not.", "No.")))))
    assert len(others) == 5
