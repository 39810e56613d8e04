"""Suite files → Suites; a fault names file, line and sample."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llmroute.errors import InputError, SuiteError
from llmroute.records import (
    Candidate,
    Judging,
    Match,
    Message,
    Plugin,
    QualityThreshold,
    Sample,
    Suite,
)
from llmroute.resources import shipped
from llmroute.suites.load import load_suite, load_suites

HEAD = "name: s\nmetric: exact\n"
ONE = HEAD + "samples:\n  - {id: a, input: x, target: y}\n"


def write(folder: Path, text: str, name: str = "s.yaml") -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def load(folder: Path, text: str, **kwargs: Judging) -> Suite:
    return load_suite(write(folder, text), **kwargs)


def refused(folder: Path, text: str) -> str:
    with pytest.raises(SuiteError) as caught:
        load(folder, text)
    assert caught.value.where
    assert caught.value.fix
    return str(caught.value).replace(f"{folder}/", "")


def with_file(folder: Path, name: str, content: str | bytes, head: str = HEAD) -> str:
    (folder / name).write_bytes(content.encode() if isinstance(content, str) else content)
    return f"{head}samples: {name}\n"


FULL = """\
name: tickets
task: classification
description: Support tickets.
system: Be brief.
prompt: "{{ labels | join(', ') }}: {{ input }} ({{ channel }})"
examples:
  - {input: help, target: {intent: how_to}}
labels: [how_to, yes, 3]
metric:
  - {name: exact, weight: 2}
  - rouge_l
extract: [first_line, {name: after, marker: "Answer:"}]
checks: [refusal, {name: length, max_words: 60}]
quality_threshold: {of_reference: 0.95}
weight: 3
match: {tags: [t], keywords: [k], patterns: ['(?i)a+'], utterances: [hello]}
max_tokens: 64
samples:
  - id: 1
    input: where is it
    target: how_to
    tags: order
    difficulty: easy
    weight: 2
    group: g
    channel: mail
"""


def test_the_whole_file_is_read(tmp_path: Path) -> None:
    suite = load(tmp_path, FULL)
    assert suite.samples == (
        Sample("1", "where is it", "how_to", {"channel": "mail"}, ("order",), "easy", 2.0, "g"),
    )
    assert (suite.name, suite.task, suite.weight, suite.max_tokens) == (
        "tickets",
        "classification",
        3.0,
        64,
    )
    assert suite.labels == ("how_to", "yes", "3")
    assert suite.metrics == (Plugin("exact", {}, 2.0), Plugin("rouge_l", {}, 1.0))
    assert suite.extract == (Plugin("first_line"), Plugin("after", {"marker": "Answer:"}))
    assert suite.checks == (Plugin("refusal"), Plugin("length", {"max_words": 60}))
    assert suite.quality_threshold == QualityThreshold(0.95, "reference")
    assert suite.match == Match(("t",), ("k",), ("(?i)a+",), ("hello",))
    assert suite.examples[0].target == '{"intent": "how_to"}'
    assert suite.path == tmp_path / "s.yaml"


def test_a_task_is_named_by_its_suite_where_it_has_no_name(tmp_path: Path) -> None:
    assert load(tmp_path, ONE).task == "s"


@pytest.mark.parametrize("path", sorted(shipped("suites").glob("*.yaml")), ids=lambda p: p.stem)
def test_the_shipped_suites_load(path: Path) -> None:
    assert len(load_suite(path).samples) >= 40


def test_a_conversation_is_an_input(tmp_path: Path) -> None:
    text = HEAD + (
        "samples:\n  - id: a\n    target: y\n    input:\n      - {role: user, content: one}\n"
        "      - {role: assistant, content: two}\n      - {role: user, content: three}\n"
    )
    assert load(tmp_path, text).samples[0].input == (
        Message("user", "one"),
        Message("assistant", "two"),
        Message("user", "three"),
    )


@pytest.mark.parametrize(
    ("messages", "said"),
    [
        ("[]", "'input' should be text or a list of messages"),
        ("3", "'input' should be text or a list of messages"),
        ("''", "'input' should be text or a list of messages"),
        ("[{role: user}]", "a message has exactly 'role' and 'content'"),
        ("[{role: robot, content: x}]", "the message's role cannot be used"),
        ("[{role: user, content: x}, {role: system, content: x}]", "role cannot be used"),
        ("[{role: user, content: 3}]", "the message's content should be text"),
        ("[{role: user, content: x}, {role: assistant, content: y}]", "not the user's"),
    ],
)
def test_a_conversation_that_cannot_be_sent_is_refused(
    tmp_path: Path, messages: str, said: str
) -> None:
    message = refused(tmp_path, f"{HEAD}samples:\n  - {{id: a, target: y, input: {messages}}}\n")
    assert said in message
    assert message.startswith("s.yaml:4:")


@pytest.mark.parametrize(
    ("text", "where", "said"),
    [
        (ONE + "promt: x\n", "s.yaml:5:1", "Did you mean 'prompt'?"),
        (HEAD + "samples: []\n", "s.yaml:3:10", "the suite has no samples"),
        (HEAD, "s.yaml:1:1", "the key 'samples' is missing"),
        ("name: s\nsamples: [{id: a, input: x}]\n", "s.yaml:1:1", "neither a metric nor a judge"),
        (ONE + "judge: r\n", "s.yaml:5:8", "a metric or a judge, not both"),
        (ONE.replace("exact", "exat"), "s.yaml:2:9", "Did you mean 'exact'?"),
        (ONE.replace("exact", "{name: exact, casee: 1}"), "s.yaml:2:30", "no parameter 'casee'"),
        (ONE + "extract: last_numbr\n", "s.yaml:5:10", "Did you mean 'last_number'?"),
        (ONE + "extract: after\n", "s.yaml:5:10", "needs the parameter 'marker'"),
        (ONE + "checks: [refusl]\n", "s.yaml:5:10", "Did you mean 'refusal'?"),
        (ONE + "checks: {name: length, max_word: 3}\n", "s.yaml:5:34", "Did you mean 'max_words'?"),
        (ONE + "checks: {name: length, max_words: 0}\n", "s.yaml:5:9", "max_words >= 1"),
        (ONE + "checks: label\n", "s.yaml:5:9", "Add 'labels: [...]'"),
        (ONE.replace("exact", "[{name: exact, weight: 0}]"), "s.yaml:2:32", "more than 0"),
        (ONE.replace("y}", ".nan}"), "s.yaml:4:5", "holds NaN"),
        (ONE.replace("y}", "y, labels: z}"), "s.yaml:4:42", "the field 'labels' is reserved"),
        (ONE.replace("id: a, ", ""), "s.yaml:4:5", "the key 'id' is missing"),
        (ONE + "labels: [a, a]\n", "s.yaml:5:13", "the label 'a' is written twice"),
        (ONE + "match: {patterns: ['(']}\n", "s.yaml:5:20", "not a regular expression"),
        (ONE + "prompt: '{{ input'\n", "s.yaml:5:9", "template: "),
        (ONE + "prompt: hello\n", "s.yaml:5:9", "the prompt reads nothing of the sample"),
        (ONE + "prompt: '{{ input }} {{ target }}'\n", "s.yaml:5:9", "the model the target"),
        (ONE + "system: 'Labels {{ labels }}'\n", "s.yaml:5:9", "is sent as it stands"),
        (ONE + "quality_threshold: 1.2\n", "s.yaml:5:20", "outside 0 to 1"),
        (ONE.replace(", target: y", ""), "s.yaml:4:5, sample 'a'", "no target"),
        (ONE + "prompt: '{{ inptu }}'\n", "s.yaml:5:9", "Did you mean 'input'?"),
        (ONE + "prompt: '{{ input.x }}'\n", "s.yaml:4:5, sample 'a'", "value that is missing"),
    ],
)
def test_what_cannot_be_meant_is_refused_with_its_place(
    tmp_path: Path, text: str, where: str, said: str
) -> None:
    message = refused(tmp_path, text)
    assert said in message
    assert message.startswith(f"{where}: ")


def test_an_id_used_twice_names_both_places(tmp_path: Path) -> None:
    message = refused(tmp_path, ONE + "  - {id: b, input: x, target: y}\n  - {id: a, input: z}\n")
    assert message.startswith("s.yaml:6:5, sample 'a': the id is used twice; first at ")
    assert "s.yaml:4:5" in message


def test_a_judge_fills_in_from_the_configuration(tmp_path: Path) -> None:
    body = "samples: [{id: a, input: x}]\n"
    default = Judging((Candidate("big", "openai/big"),), "helpfulness", panel="majority")
    own = load(tmp_path, "name: s\njudge: {rubric: helpfulness, params: {seed: 1}}\n" + body)
    assert own.judge is not None
    assert (own.judge.judges, own.judge.params, own.judge.panel) == ((), {"seed": 1}, "mean")
    named = load(tmp_path, "name: s\njudge: {model: m}\n" + body, judge=default)
    assert named.judge is not None
    assert (named.judge.rubric.name, named.judge.judges) == ("helpfulness", ("m",))
    whole = load(tmp_path, "name: s\n" + body, judge=default)
    assert whole.judge is not None
    assert (whole.judge.judges, whole.judge.panel) == (("big",), "majority")
    assert load(tmp_path, ONE, judge=default).judge is None


def test_a_sample_without_what_the_rubric_shows_is_named(tmp_path: Path) -> None:
    text = "name: s\njudge: correctness\nsamples:\n  - {id: a, input: x, target: y}\n"
    assert load(tmp_path, text).judge is not None
    said = "s.yaml:5:5, sample 'b': no 'target', which the rubric 'correctness' shows the judge"
    assert said in refused(tmp_path, text + "  - {id: b, input: x}\n")


# -- sample files ---------------------------------------------------------------------------------


def test_jsonl_samples_keep_their_order_and_fields(tmp_path: Path) -> None:
    lines = (
        '\ufeff{"id": 1, "input": "x", "target": [1, {"a": null}], "lang": "de"}\r\n\n'
        '{"id": "b", "input": [{"role": "user", "content": "a\u2028b"}], "target": "t"}'
    )
    suite = load(tmp_path, with_file(tmp_path, "s.jsonl", lines))
    assert suite.samples == (
        Sample("1", "x", [1, {"a": None}], {"lang": "de"}),
        Sample("b", (Message("user", "a\u2028b"),), "t"),
    )


@pytest.mark.parametrize(
    ("line", "where", "said"),
    [
        ('{"id": "b", "input": "x"', "s.jsonl:2:25", "not a JSON object"),
        ("[1]", "s.jsonl:2", "the line is not a JSON object"),
        ('{"id": "b", "input": "x", "target": NaN}', "s.jsonl:2", "NaN is not JSON"),
        ('{"id": "b", "input": "x", "w": -Infinity}', "s.jsonl:2", "-Infinity is not JSON"),
        ('{"id": "b", "input": "x", "target": 1e999}', "s.jsonl:2, sample 'b'", "holds NaN"),
        ('{"id": "b", "id": "c", "input": "x"}', "s.jsonl:2", "the key 'id' is written twice"),
        ('{"id": "b", "input": "\\ud800"}', "s.jsonl:2, sample 'b'", "half a character"),
        ('{"input": "x"}', "s.jsonl:2", "the key 'id' is missing"),
        ('{"id": "b", "inputs": "x"}', "s.jsonl:2, sample 'b'", "Did you mean 'inputs'?"),
        ('{"id": "b", "input": "x", "weight": 0}', "s.jsonl:2, sample 'b'", "more than 0"),
        ('{"id": "b", "input": "x"}', "s.jsonl:2, sample 'b'", "no target"),
        ('{"id": "a", "input": "x", "target": 1}', "s.jsonl:2, sample 'a'", "used twice"),
        ("[" * 100_000, "s.jsonl:2", "nested too deeply"),
        ('{"id": ' + "9" * 5000 + "}", "s.jsonl:2", "too long a number"),
    ],
)
def test_a_broken_line_is_refused_with_its_number(
    tmp_path: Path, line: str, where: str, said: str
) -> None:
    good = '{"id": "a", "input": "x", "target": "y"}\n'
    message = refused(tmp_path, with_file(tmp_path, "s.jsonl", good + line + "\n"))
    assert said in message
    assert message.startswith(f"{where}: ")


def test_csv_samples_are_read_by_their_header(tmp_path: Path) -> None:
    text = (
        "\ufeffid,input,target,tags,difficulty,weight,group,lang\r\n"
        'a,"one, ""two""\nthree",y,t; u,easy,2,g,de\r\n\r\nb,x,007,,,,,\r\n'
    )
    suite = load(tmp_path, with_file(tmp_path, "s.csv", text))
    assert suite.samples == (
        Sample("a", 'one, "two"\nthree', "y", {"lang": "de"}, ("t", "u"), "easy", 2.0, "g"),
        Sample("b", "x", "007", {"lang": ""}),
    )


def test_csv_rows_without_an_id_column_are_numbered(tmp_path: Path) -> None:
    suite = load(tmp_path, with_file(tmp_path, "s.csv", "input,target\nx,1\ny,2\n"))
    assert [sample.id for sample in suite.samples] == ["1", "2"]


def test_a_long_csv_cell_is_read(tmp_path: Path) -> None:
    suite = load(tmp_path, with_file(tmp_path, "s.csv", f"input,target\n{'x' * 200_000},1\n"))
    assert len(suite.samples[0].input) == 200_000


@pytest.mark.parametrize(
    ("text", "where", "said"),
    [
        ("", "s.csv:1", "the file has no header"),
        ("id,target\na,b\n", "s.csv:1", "there is no column 'input'"),
        ("id;input\na;b\n", "s.csv:1", "separated by commas"),
        ("input,input\na,b\n", "s.csv:1", "the column 'input' is there twice"),
        ("input,\na,b\n", "s.csv:1", "column 2 has no name"),
        ('input,target\n"a\nb",c\nx,y,z\n', "s.csv:4", "3 cells, but the header has 2"),
        ('input,target\n"a"b,c\n', "s.csv:2", "not valid CSV"),
        ("input,target,weight\na,b,heavy\n", "s.csv:2", "the weight 'heavy' is not a number"),
        ("input,target,weight\na,b,nan\n", "s.csv:2, sample '1'", "finite number"),
        ("id,input,target\n,a,b\n", "s.csv:2, sample ''", "'id' should not be empty"),
        ("input,target\na,\n", "s.csv:2, sample '1'", "no target"),
        ("input,target\n", "s.yaml:3:10", "the suite has no samples"),
    ],
)
def test_a_broken_table_is_refused_with_its_line(
    tmp_path: Path, text: str, where: str, said: str
) -> None:
    message = refused(tmp_path, with_file(tmp_path, "s.csv", text))
    assert said in message
    assert message.startswith(f"{where}: ")


def test_samples_of_another_kind_are_refused(tmp_path: Path) -> None:
    assert ".jsonl and .csv" in refused(tmp_path, with_file(tmp_path, "s.txt", "x"))


ESCAPES = [
    "/etc/passwd",
    "../secret.jsonl",
    "../../secret.jsonl",
    "a/../../secret.jsonl",
    "./../secret.jsonl",
    "~/secret.jsonl",
    "link.jsonl",
    "folder_link/secret.jsonl",
    "circle.jsonl",
    '"s\\0.jsonl"',
    "//etc/passwd",
    "/proc/self/environ",
    "/dev/zero",
]


@pytest.mark.parametrize("written", ESCAPES)
def test_a_samples_file_outside_the_folder_is_not_read(tmp_path: Path, written: str) -> None:
    folder = tmp_path / "suites"
    (folder / "a").mkdir(parents=True)
    (tmp_path / "secret.jsonl").write_text('{"id": "secret", "input": "x", "target": "y"}')
    (folder / "link.jsonl").symlink_to(tmp_path / "secret.jsonl")
    (folder / "folder_link").symlink_to(tmp_path)
    (folder / "circle.jsonl").symlink_to(folder / "circle.jsonl")
    message = refused(folder, f"{HEAD}samples: {written}\n")
    assert message.startswith("s.yaml:3:10: ")


def test_a_samples_file_within_the_configurations_folder_is_read(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "s.jsonl").write_text('{"id": "a", "input": "x", "target": "y"}')
    path = write(tmp_path / "suites", f"{HEAD}samples: ../data/s.jsonl\n")
    assert load_suite(path, root=tmp_path).samples[0].id == "a"
    with pytest.raises(SuiteError, match="lies outside the suite's folder"):
        load_suite(path)


def test_a_missing_samples_file_names_what_is_there(tmp_path: Path) -> None:
    (tmp_path / "other.jsonl").write_text("")
    message = refused(tmp_path, f"{HEAD}samples: s.jsonl\n")
    assert "there is no samples file 's.jsonl'" in message
    assert "other.jsonl" in message


# -- several suites -------------------------------------------------------------------------------


def test_folders_patterns_and_files_are_read_once_and_in_order(tmp_path: Path) -> None:
    for name in ("b", "a"):
        write(tmp_path, ONE.replace("name: s", f"name: {name}"), f"{name}.yaml")
    write(tmp_path, "not a suite", "notes.md")
    paths = [tmp_path / "b.yaml", tmp_path / "*.yaml", tmp_path]
    assert [suite.name for suite in load_suites(paths)] == ["b", "a"]
    assert [suite.name for suite in load_suites([tmp_path])] == ["a", "b"]


@pytest.mark.parametrize("key", ["name", "task"])
def test_two_suites_of_one_name_or_task_name_both_files(tmp_path: Path, key: str) -> None:
    tasks = ("t", "u") if key == "name" else ("t", "t")
    names = ("s", "s") if key == "name" else ("s", "r")
    for file, name, task in zip("ab", names, tasks, strict=True):
        write(tmp_path, ONE.replace("name: s", f"name: {name}\ntask: {task}"), f"{file}.yaml")
    with pytest.raises(SuiteError) as caught:
        load_suites([tmp_path])
    assert "b.yaml" in (caught.value.where or "")
    assert "a.yaml" in caught.value.what


@pytest.mark.parametrize("pattern", ["*.yml", "none/*.yaml", "x.yaml"])
def test_a_pattern_that_matches_nothing_says_what_is_there(tmp_path: Path, pattern: str) -> None:
    (tmp_path / "other.txt").write_text("")
    with pytest.raises(SuiteError) as caught:
        load_suites([tmp_path / pattern])
    assert "other.txt" in (caught.value.fix or "")


def test_an_empty_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SuiteError, match="no suite file is here"):
        load_suites([tmp_path])


def loaded_or_refused(path: Path) -> Suite | InputError:
    try:
        return load_suite(path)
    except InputError as error:
        return error


@given(
    st.lists(
        st.one_of(
            st.sampled_from(ONE.splitlines()),
            st.sampled_from(["metric: choice", "judge: r", "labels: [a]", "prompt: '{{ b }}'"]),
            st.text(st.sampled_from("abid:-[]{}\"', \n.1~"), max_size=20),
        ),
        max_size=8,
    )
)
@settings(max_examples=150, deadline=None)
def test_any_lines_give_a_suite_or_a_placed_error(
    tmp_path_factory: pytest.TempPathFactory, lines: list[str]
) -> None:
    path = write(tmp_path_factory.getbasetemp(), "\n".join(lines), "fuzz.yaml")
    found = loaded_or_refused(path)
    if isinstance(found, InputError):
        assert isinstance(found, SuiteError)
        assert found.where
        assert found.fix
    else:
        assert found.samples
