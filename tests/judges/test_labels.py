import csv
import json

import pytest

from llmroute.errors import LogFormatError
from llmroute.judges.labels import (
    hold_verdicts,
    item_id,
    read_labels,
    shared_levels,
)
from llmroute.records import Criterion, Label, Level, Rubric


@pytest.fixture
def read(tmp_path):
    """Reads a file of the given name and text, or of one JSON value a line."""

    def read(content, name="labels.csv", **options):
        path = tmp_path / name
        text = content if isinstance(content, str) else "".join(map(as_line, content))
        path.write_text(text, encoding="utf-8")
        return read_labels([path], **options)

    def as_line(value):
        return json.dumps(value) + "\n"

    return read


def refusal(read, *args, **options):
    with pytest.raises(LogFormatError) as caught:
        read(*args, **options)
    return str(caught.value)


HEAD = "task,sample_id,candidate,rater,score\n"


def test_csv_and_jsonl_say_the_same(read):
    row = {"task": "mail", "sample_id": "q1", "candidate": "a", "rater": "ann", "score": 0.5}
    from_csv = read(HEAD + "mail,q1,a,ann,0.5\n").people
    from_json = read([row], "labels.jsonl").people
    assert [(one.task, one.sample_id, one.candidate, one.rater, one.score) for one in from_csv] == [
        ("mail", "q1", "a", "ann", 0.5)
    ]
    assert (from_csv[0].score, from_csv[0].rater) == (from_json[0].score, from_json[0].rater)


def test_a_spreadsheet_with_semicolons_decimal_commas_and_a_mark_is_read(read):
    text = "\ufefftask;sample_id;candidate;rater;score;;\nmail;q1;a;ann;0,5;;\n"
    assert read(text).people[0].score == 0.5


def test_a_comparison_is_kept_in_one_order_whichever_was_shown(read):
    head = "task,sample_id,first,second,rater,winner\n"
    labels = read(head + "mail,q1,b,a,ann,first\nmail,q1,a,b,bob,b\nmail,q2,a,b,ann,tie\n").people
    assert [(one.candidate, one.rival, one.score) for one in labels] == [
        ("a", "b", 0.0),
        ("a", "b", 0.0),
        ("a", "b", 0.5),
    ]


def test_a_line_may_hold_all_votes_and_what_judges_said(read):
    row = {
        "id": "p1",
        "prompt": "Rewrite.",
        "models": ["a", "b"],
        "human_votes": [1, 2, 0],
        "judges": {"gpt": 1, "other": None},
    }
    labels = read([row, {**row, "id": "p2"}], "judge_pairs.jsonl")
    assert [one.score for one in labels.people[:3]] == [1.0, 0.0, 0.5]
    assert [one.rater for one in labels.people[:3]] == ["person 1", "person 2", "person 3"]
    assert {one.task for one in labels.people} == {"judge_pairs"}
    assert len({one.group for one in labels.people}) == 1  # both show the same prompt
    assert [(one.rater, one.score) for one in labels.judges] == [("gpt", 1.0), ("gpt", 1.0)]


def test_a_judge_may_stand_beside_the_label(read, tmp_path):
    labels = read(HEAD.replace("\n", ",judge,judge.gpt\n") + "mail,q1,a,ann,1,0,0.5\n")
    assert [(one.rater, one.score) for one in labels.judges] == [("judge", 0.0), ("gpt", 0.5)]
    assert hold_verdicts([tmp_path / "labels.csv"])


def test_levels_of_the_rubric_are_scores(read):
    levels = {"wrong": 0.0, "partly": 0.5, "right": 1.0}
    assert read(HEAD + "mail,q1,a,ann,Partly\n", levels=lambda _: levels).people[0].score == 0.5
    message = refusal(read, HEAD + "mail,q1,a,ann,partley\n", levels=lambda _: levels)
    assert "labels.csv:2: 'score' is 'partley', no score" in message
    assert "Did you mean 'partly'?" in message


def test_levels_that_mean_two_things_are_no_scores():
    one = Criterion("tone", "?", (Level("bad", 0.0, "."), Level("good", 1.0, ".")))
    two = Criterion("form", "?", (Level("bad", 0.0, "."), Level("good", 0.5, ".")))
    assert shared_levels(Rubric("r", (one, two), "{{ answer }}")) == {"bad": 0.0}


@pytest.mark.parametrize(
    ("line", "what"),
    [
        ("mail,q1,a,ann,7", "'score' is '7', outside 0 to 1"),
        ("mail,q1,a,ann,-0.1", "'score' is '-0.1', outside 0 to 1"),
        ("mail,q1,a,ann,nan", "'score' is 'nan', no score"),
        ("mail,q1,,ann,1", "'candidate' is missing"),
        ("mail,,a,ann,1", "'sample_id' is missing"),
        ("mail,q1,a,ann,1,more", "the line has 6 cells, the header 5"),
    ],
)
def test_a_faulty_line_is_refused_with_file_and_line(read, line, what):
    message = refusal(read, f"{HEAD}mail,q0,a,ann,1\n{line}\n")
    assert f"labels.csv:3: {what}" in message


def test_lines_are_counted_over_line_breaks_in_cells(read):
    text = 'task,sample_id,candidate,rater,score,answer\nmail,q1,a,ann,1,"two\nlines"\n'
    assert "labels.csv:4: 'score' is '9'" in refusal(read, text + "mail,q2,a,ann,9,x\n")


def test_two_opinions_of_one_rater_are_refused_and_a_repeated_line_counts_once(read):
    assert len(read(HEAD + "mail,q1,a,ann,1\nmail,q1,a,ann,1\n").people) == 1
    message = refusal(read, HEAD + "mail,q1,a,ann,1\nmail,q1,a,ann,0\n")
    assert "labels.csv:3: 'ann' says 0 here, and 1 of the same answer in" in message


def test_lines_not_labelled_yet_are_passed_over_unless_all_are(read):
    labels = read(HEAD + "mail,q1,a,ann,1\nmail,q2,a,ann,\n")
    assert (len(labels.people), labels.n_empty) == (1, 1)
    assert "no line has a score yet" in refusal(read, HEAD + "mail,q2,a,ann,\n")
    assert "there are no labels in it" in refusal(read, HEAD)


def test_an_item_stands_for_its_answer(read):
    key = ("mail", "q1", "a", 2, None)
    labels = read(f"item,score,rater\n{item_id(key)},1,ann\n", items={item_id(key): key})
    assert labels.people[0] == Label(
        "mail", "q1", "a", "ann", 1.0, repeat=2, where=labels.people[0].where
    )
    assert "no answer of the run has the item 'zz'" in refusal(read, "item,score\nzz,1\n")


@pytest.mark.parametrize("winner", ["third", "3", "true", "[1]"])
def test_a_winner_nobody_knows_is_refused(read, winner):
    text = f"task,sample_id,first,second,rater,winner\nmail,q1,a,b,ann,{winner}\n"
    assert "no winner" in refusal(read, text)
    assert "no winner" in refusal(
        read,
        [{"task": "t", "id": "1", "models": ["a", "b"], "votes": [json.loads("[3]")]}],
        "x.jsonl",
    )


def test_a_candidate_beside_itself_is_refused(read):
    text = "task,sample_id,first,second,rater,winner\nmail,q1,a,a,ann,tie\n"
    assert "'a' is compared with itself" in refusal(read, text)


def test_a_cell_guarded_against_formulas_is_the_name_it_guards(read):
    text = "task,sample_id,candidate,rater,score\nmail,'=q1,a,ann,1\n"
    assert read(text).people[0].sample_id == "=q1"


def test_what_is_no_csv_is_refused_with_its_place(read, tmp_path):
    (tmp_path / "latin.csv").write_bytes("task\nmähl\n".encode("latin-1"))
    with pytest.raises(LogFormatError, match=r"latin\.csv: the text is not UTF-8"):
        read_labels([tmp_path / "latin.csv"])
    broken = HEAD + 'mail,q1,a,ann,"1\n'
    assert "not CSV" in refusal(read, broken)
    assert csv.field_size_limit() >= 131_072
