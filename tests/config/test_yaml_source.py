"""Marked YAML: places, YAML 1.2 scalars, refusals, bombs."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llmroute.config.source import MAX_YAML_BYTES, Place, excerpt
from llmroute.config.yaml_source import MAX_VALUES, Document, parse_yaml, read_yaml
from llmroute.errors import ConfigError


def parsed_or_refused(text: str) -> Document | ConfigError:
    try:
        return parse_yaml(text, "f.yaml", ConfigError)
    except ConfigError as error:
        return error


def refused(text: str) -> ConfigError:
    with pytest.raises(ConfigError) as caught:
        parse_yaml(text, "f.yaml", ConfigError)
    return caught.value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("NO", "NO"),
        ("yes", "yes"),
        ("on", "on"),
        ("1:30", "1:30"),
        ("2024-01-31", "2024-01-31"),
        ("012", 12),
        ("0o17", 15),
        ("0x1F", 31),
        ("1e3", 1000.0),
        (".5", 0.5),
        ("-.inf", float("-inf")),
        ("true", True),
        ("~", None),
        ("", None),
        ('"12"', "12"),
        ("'true'", "true"),
        ("1_000", "1_000"),
        ("+", "+"),
        ("١٢", "١٢"),
    ],
)
def test_scalars_follow_the_core_rules_of_yaml_1_2(text: str, value: object) -> None:
    found = parse_yaml(f"a: {text}", "f").root.data()["a"]
    assert found == value
    assert type(found) is type(value)


def test_keys_are_text_whatever_they_look_like() -> None:
    assert parse_yaml("1: a\ntrue: b", "f").root.data() == {"1": "a", "true": "b"}


def test_an_error_shows_the_line_with_a_caret_and_the_fix() -> None:
    assert str(refused("a: 1\na: 2")) == (
        "f.yaml:2:1: the key 'a' is written twice\n"
        "  2 | a: 2\n"
        "    | ^\n"
        "Keep one of them; the first is on line 1."
    )


@pytest.mark.parametrize(
    ("text", "where", "what"),
    [
        ("a: *b", "f.yaml:1:4", "the alias *b is not allowed"),
        ("a: &b 1", "f.yaml:1:4", "the anchor &b is not allowed"),
        ("a: !!python/object:os.system x", "f.yaml:1:4", "the tag"),
        ("a: !x 1", "f.yaml:1:4", "the tag '!x' is not allowed"),
        ("<<: {a: 1}", "f.yaml:1:1", "merge keys (<<) are not allowed"),
        ("a: 1\n---\nb: 2", "f.yaml:2:1", "a second YAML document starts here"),
        ("? [1, 2]\n: x", "f.yaml:1:3", "a key must be text, not a list or mapping"),
        ("~: 1\n'': 2", "f.yaml:2:1", "a key is missing before the colon"),
        ("a:\n\tb: 1", "f.yaml:2:1", "found character that cannot start any token"),
        ("a: b: c", "f.yaml:1:5", "mapping values are not allowed"),
        ("a: 'x", "f.yaml:1:6", "unexpected end of stream"),
        ("a: [1,\nb: 2", "f.yaml:3:1", "a flow sequence that starts on line 1"),
        ("a: \x1b[2J", "f.yaml:1:4", "the control character U+001B is not allowed"),
        ("", "f.yaml:1:1", "the file is empty"),
        ("# only a comment\n", "f.yaml:1:1", "the file is empty"),
        ("a: " + "9" * 5000, "f.yaml:1:4", "the number has too many digits"),
    ],
)
def test_what_no_file_of_ours_needs_is_refused(text: str, where: str, what: str) -> None:
    error = refused(text)
    if "flow sequence" not in what:
        assert error.where == where
    assert what in error.what
    assert error.fix


def test_an_environment_reference_without_quotes_in_braces_says_to_quote_it() -> None:
    assert refused("a: {b: ${X}}").fix == "Inside { } and [ ], put ${NAME} in quotes."


def test_a_merge_sign_in_quotes_is_a_key_like_any_other() -> None:
    assert parse_yaml("'<<': 1", "f").root.data() == {"<<": 1}


@pytest.mark.parametrize(
    ("raw", "what"),
    [
        (b"\xff\xfea\0", "is UTF-16, not UTF-8"),
        (b"a: \0", "is a binary file: it contains NUL bytes"),
        (b"a: 1\nb: \xe9", "byte 0xe9 is not UTF-8 text"),
    ],
)
def test_bytes_that_are_no_text_are_refused(tmp_path: Path, raw: bytes, what: str) -> None:
    (tmp_path / "f.yaml").write_bytes(raw)
    with pytest.raises(ConfigError) as caught:
        read_yaml(tmp_path / "f.yaml", ConfigError)
    assert caught.value.what == what
    assert caught.value.fix


def test_bytes_that_are_no_text_are_placed(tmp_path: Path) -> None:
    path = tmp_path / "f.yaml"
    path.write_bytes(b"a: 1\nb: \xe9")
    with pytest.raises(ConfigError) as caught:
        read_yaml(path, ConfigError)
    assert caught.value.where == f"{path}:2:4"


def test_a_byte_order_mark_is_passed_over(tmp_path: Path) -> None:
    (tmp_path / "f.yaml").write_bytes(b"\xef\xbb\xbfa: 1")
    assert read_yaml(tmp_path / "f.yaml").root.data() == {"a": 1}


def test_a_missing_file_names_what_is_there(tmp_path: Path) -> None:
    (tmp_path / "other.yaml").write_text("a: 1")
    with pytest.raises(ConfigError, match=r"there is no such file[\s\S]*other\.yaml"):
        read_yaml(tmp_path / "f.yaml", ConfigError)


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="is a folder, not a file"):
        read_yaml(tmp_path, ConfigError)


def test_a_file_beyond_the_size_limit_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "f.yaml"
    with path.open("wb") as stream:
        stream.truncate(MAX_YAML_BYTES + 1)
    with pytest.raises(ConfigError, match=r"is 10\.0 MB, more than the 10 MB"):
        read_yaml(path, ConfigError)


def test_an_excerpt_never_shows_a_key_or_an_escape() -> None:
    shown = excerpt("{api_key: sk-very-secret, b: \u202e\x9b}", Place(1, 2))
    assert "very-secret" not in shown
    assert "\u202e" not in shown
    assert "\x9b" not in shown


def test_an_excerpt_of_a_long_line_keeps_the_caret_under_its_column() -> None:
    line, caret = excerpt("x" * 500 + "!" + "y" * 500, Place(1, 501)).split("\n")
    assert line[caret.index("^")] == "!"
    assert len(line) < 120


def test_wide_characters_move_the_caret() -> None:
    assert excerpt("漢字: x", Place(1, 5)).split("\n")[1] == "    |       ^"


BOMBS = {
    "flow lists": "[" * 1_000_000,
    "closed flow lists": "[" * 30_000 + "]" * 30_000,
    "flow mappings": "{a: " * 300_000,
    "keyed flow lists": "a: " + "[[{b: " * 50_000,
    "mixed closed": "[{a: " * 15_000 + "1" + "}]" * 15_000,
    "block lists": "- " * 1_000_000,
    "block mappings": "".join(" " * i + "a:\n" for i in range(3000)),
    "complex keys": "? " * 1_000_000,
    "brackets in a deep value": "a:\n  b:\n    - " + "[" * 500_000,
    "many keys": "".join(f"k{i}: v\n" for i in range(MAX_VALUES + 1)),
    "many items": "[" + ",".join("a" for _ in range(MAX_VALUES + 1)) + "]",
    "many nulls": "- \n" * (MAX_VALUES + 1),
    "aliases": "a: &a [x]\nb: &b [*a,*a]\nc: [*b,*b]",
    "self alias": "a: &a [*a]",
    "bare alias": "*a " * 10_000,
    "anchors": "&a " * 10_000,
    "merge": "a: {<<: {b: 1}}",
    "tags": "! " * 10_000,
    "python tag": "!!python/object/apply:os.system ['true']",
    "binary tag": "a: !!binary aGk=",
    "directive": "%YAML 9.9\n" * 1000 + "---\na: 1",
    "open double quote": '"' + "a" * 9_000_000,
    "open single quote": "'" + "a\n" * 4_000_000,
    "long number": "a: " + "1" * 1_000_000,
    "hex number": "a: 0x" + "f" * 5_000_000 + "\nb: *x",
    "long key": "k" * 2_000_000 + ": 1",
    "documents": "---\n" * 100_000,
    "colons": ": " * 100_000,
    "commas": "[" + "," * 100_000,
    "tabs": "\t" * 100_000 + "a: 1",
    "control characters": "\x07" * 100_000,
    "too long": "a" * (MAX_YAML_BYTES + 1),
    "comments to the end": "#" * 9_000_000,
    "line breaks": "\n" * 9_000_000,
    "same key": "a: 1\n" * 100_000,
}

_READ_ALL = """
import resource, sys, time
from pathlib import Path
from llmroute.config.yaml_source import read_yaml
from llmroute.errors import ConfigError
for path in sorted(Path(sys.argv[1]).iterdir()):
    start = time.process_time()
    try:
        read_yaml(path, ConfigError)
        end = "read"
    except ConfigError as error:
        end = "refused" if error.where and error.fix else "no place or fix"
    print(path.stem, end, time.process_time() - start, sep="|")
"""


def test_bombs_are_refused_and_never_end_the_process(tmp_path: Path) -> None:
    assert len(BOMBS) >= 30
    for name, text in BOMBS.items():
        (tmp_path / f"{name}.yaml").write_text(text)
    done = subprocess.run(
        [sys.executable, "-c", _READ_ALL, str(tmp_path)],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-500:]
    ends = dict(line.split("|")[:2] for line in done.stdout.splitlines())
    assert ends == dict.fromkeys(BOMBS, "refused")


@given(st.text(st.sampled_from("ab:-[]{}#&*!|>'\"%@`,? \n\t0.1~<\\é\x07"), max_size=60))
@settings(max_examples=300, deadline=None)
def test_any_text_gives_a_value_or_a_placed_error(text: str) -> None:
    found = parsed_or_refused(text)
    if isinstance(found, ConfigError):
        assert found.where is not None
        assert found.where.startswith("f.yaml")
        assert found.fix
    else:
        assert found.place(()).line >= 1


@given(
    st.recursive(
        st.none()
        | st.booleans()
        | st.integers()
        | st.text(st.characters(codec="ascii", categories=["L", "N", "P", "Zs"])),
        lambda inner: st.lists(inner) | st.dictionaries(st.text("abc", min_size=1), inner),
        max_leaves=20,
    )
)
@settings(max_examples=100, deadline=None)
def test_json_is_read_as_json(value: object) -> None:
    text = json.dumps({"a": value})
    assert parse_yaml(text, "f").root.data() == {"a": value}
