"""llmroute.yaml → Config, or a message with place and fix."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llmroute.config.load import check_tasks, default_config, find_config, load_config
from llmroute.errors import ConfigError
from llmroute.records import Config, Limits, Price, QualityThreshold, TaskLimits

MINIMAL = "suites: s.yaml\ncandidates: [a, b]\n"


def load(tmp_path: Path, text: str, **env: str) -> Config:
    path = tmp_path / "llmroute.yaml"
    path.write_text(text, encoding="utf-8")
    return load_config(path, env)


def refused(tmp_path: Path, text: str, **env: str) -> str:
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, text, **env)
    assert caught.value.fix
    return str(caught.value).replace(f"{tmp_path}/", "")


def loaded_or_refused(path: Path) -> Config | ConfigError:
    try:
        return load_config(path, {})
    except ConfigError as error:
        return error


FULL = """\
suites: [suites/*.yaml]
candidates:
  - openai/gpt-4o-mini
  - model: anthropic/claude-haiku-4-5
    name: haiku
    params: {temperature: 0, max_tokens: 512}
    price: {input_usd_per_mtok: 1.0, output_usd_per_mtok: 5.0}
    limits: {rpm: 1000, tpm: 100000, concurrency: 50}
  - model: openai/qwen2.5
    name: local
    api_base: http://127.0.0.1:11434/v1
    price: {usd_per_hour: 0.60}
  - builtin/rules
  - {model: replay/gpt-4-1106-preview, recording: answers.jsonl}
reference: haiku
quality: {threshold: 0.85, evidence: likely, confidence: 0.95, margin: 0.05}
judge: {model: openai/gpt-4o, rubric: helpfulness}
budget: {max_usd: 5.00}
limits: {rpm: 60, timeout_s: 30}
tasks:
  chat: {max_latency_p95_s: 2, exclude: [local], quality_threshold: {of_reference: 0.95}}
repeats: 1
seed: 0
"""


def test_the_whole_file_is_read(tmp_path: Path) -> None:
    config = load(tmp_path, FULL)
    assert config.suites == (tmp_path / "suites/*.yaml",)
    assert [candidate.name for candidate in config.candidates] == [
        "openai/gpt-4o-mini",
        "haiku",
        "local",
        "builtin/rules",
        "replay/gpt-4-1106-preview",
    ]
    haiku = config.candidates[1]
    assert haiku.price == Price(1.0, 5.0)
    assert haiku.params == {"temperature": 0, "max_tokens": 512}
    assert haiku.limits == Limits(rpm=1000, tpm=100000, concurrency=50, timeout_s=30)
    assert config.candidates[0].limits == Limits(rpm=60, timeout_s=30)
    assert config.candidates[2].price == Price(usd_per_hour=0.6)
    assert config.candidates[4].recording == tmp_path / "answers.jsonl"
    assert config.task_limits == {"chat": TaskLimits(2.0, None, ("local",))}
    assert config.task_thresholds == {"chat": QualityThreshold(0.95, "reference")}
    assert config.budget.max_usd == 5.0
    assert config.store == tmp_path / ".llmroute/store.db"


def test_defaults_are_those_of_the_design(tmp_path: Path) -> None:
    config = load(tmp_path, MINIMAL)
    assert config.quality.threshold == QualityThreshold(0.85)
    assert (config.quality.evidence, config.quality.confidence) == ("likely", 0.95)
    assert (config.repeats, config.seed, config.concurrency) == (1, 0, 64)
    assert (config.budget.max_usd, config.budget.confirm_usd) == (None, 1.0)
    assert config.candidates[0].price is None


def test_an_unknown_key_gets_a_caret_and_the_closest_key(tmp_path: Path) -> None:
    message = refused(tmp_path, MINIMAL + "refrence: a\n")
    assert message.startswith(
        "llmroute.yaml:3:1: unknown key 'refrence'\n  3 | refrence: a\n    | ^\n"
        "Did you mean 'reference'? Known settings: suites, "
    )


def test_several_faults_are_said_at_once(tmp_path: Path) -> None:
    text = "suites: []\ncandidates: [{model: x, nme: y}]\nrepeats: 1.5\nseed: yes\nconcurrency: 0\n"
    message = refused(tmp_path, text)
    assert "5 things are wrong" in message
    for place in ("1:9", "2:25", "3:10", "4:7", "5:14"):
        assert f"llmroute.yaml:{place}: " in message


def test_no_more_than_ten_faults_are_shown(tmp_path: Path) -> None:
    message = refused(tmp_path, MINIMAL + "".join(f"k{i}: 1\n" for i in range(25)))
    assert message.count("unknown key") == 10
    assert message.endswith("… and 15 more.")


@pytest.mark.parametrize(
    ("extra", "said"),
    [
        ("quality: {threshold: 85}", "3:22: the quality threshold is outside 0 to 1"),
        ("quality: {threshold: .nan}", "the quality threshold is outside 0 to 1"),
        ("quality: {threshold: {of_bset: 0.9}}", "Did you mean 'of_best'?"),
        ("quality: {threshold: {of_best: 0}}", "'of_best' is outside 0 to 1"),
        ("quality: {confidence: 0.5}", "'confidence' should be more than 0.5"),
        ("quality: {confidence: 1}", "'confidence' should be less than 1"),
        ("quality: {evidence: sure}", "'evidence' should be 'proven', 'likely' or 'mean'"),
        ('quality: {margin: "0.05"}', "'margin' should be a number, not text"),
        ("budget: {max_usd: .nan}", "'max_usd' should be a finite number"),
        ("budget: {max_usd: -1}", "'max_usd' should be at least 0"),
        ("limits: {rpm: 0}", "'rpm' should be more than 0"),
        ("limits: {timeout_s: .inf}", "'timeout_s' should be a finite number"),
        ("limits: {concurrency: true}", "'concurrency' should be a whole number"),
        ("reference: c", "3:12: 'c' is not a candidate"),
        ("tasks: {t: {exclude: [c]}}", "3:23: 'c' is not a candidate"),
        ("tasks: {t: {exlude: [a]}}", "Did you mean 'exclude'?"),
        ("store: 3", "'store' should be text, not a number"),
        ("judge: yes", "'judge' should be a mapping, not text"),
    ],
)
def test_a_value_that_cannot_be_meant_is_refused(tmp_path: Path, extra: str, said: str) -> None:
    assert said in refused(tmp_path, MINIMAL + extra + "\n")


@pytest.mark.parametrize(
    ("candidate", "said"),
    [
        ("{model: x, price: {input_usd_per_mtok: 1}}", "a price needs both token prices"),
        ("{model: x, price: {}}", "the price is empty"),
        ("{model: x, price: {usd_per_hour: -1}}", "'usd_per_hour' should be at least 0"),
        ("{model: x, api_base: ftp://h}", "'api_base' is not an http address"),
        ("{model: replay/x}", "a replay/ candidate needs a recording"),
        ("{model: x, recording: r.jsonl}", "only a replay/ candidate has a recording"),
        ("{model: x, params: {model: y}}", "the parameter 'model' is set by llmroute"),
        ("{model: x, params: {top_p: .nan}}", "a parameter is not a finite number"),
        ("{model: x, adapter: http}", "'adapter' should be 'auto', 'litellm' or 'direct'"),
        ("{name: x}", "the key 'model' is missing"),
        ("''", "'model' should not be empty"),
        ("' x'", "a name may not start or end with space"),
        ("3", "should be a mapping, not a number"),
    ],
)
def test_a_candidate_that_cannot_be_meant_is_refused(
    tmp_path: Path, candidate: str, said: str
) -> None:
    message = refused(tmp_path, f"suites: s\ncandidates:\n  - {candidate}\n")
    assert said in message
    assert "llmroute.yaml:3:" in message


def test_a_name_used_twice_is_refused_with_both_lines(tmp_path: Path) -> None:
    message = refused(tmp_path, "suites: s\ncandidates:\n  - a\n  - {model: b}\n  - {model: a}\n")
    assert message.startswith("llmroute.yaml:5:5: two candidates are called 'a'")
    assert "Give one of them a name: 'name: …'; the first is on line 3." in message


def test_one_model_stands_twice_under_two_names(tmp_path: Path) -> None:
    config = load(
        tmp_path,
        "suites: s\ncandidates:\n  - {model: a, name: low, params: {reasoning_effort: low}}\n"
        "  - {model: a, name: high, params: {reasoning_effort: high}}\n",
    )
    assert [(c.name, c.model) for c in config.candidates] == [("low", "a"), ("high", "a")]


def test_environment_values_are_filled_in(tmp_path: Path) -> None:
    config = load(
        tmp_path,
        MINIMAL + 'budget: {max_usd: "${CAP}"}\nrepeats: ${N:-3}\nreference: ${REF}\n',
        CAP="2.50",
        REF="b",
    )
    assert (config.budget.max_usd, config.repeats, config.reference) == (2.5, 3, "b")


def test_a_doubled_dollar_keeps_the_reference_as_text(tmp_path: Path) -> None:
    text = "suites: s\ncandidates: [{model: a, params: {stop: '$${X} ${X}'}}]\n"
    assert load(tmp_path, text, X="v").candidates[0].params == {"stop": "${X} v"}


def test_a_key_of_digits_stays_text(tmp_path: Path) -> None:
    text = "suites: s\ncandidates: [{model: a, api_key: '${K}'}]\n"
    assert load(tmp_path, text, K="0012").candidates[0].api_key == "0012"


def test_the_variable_of_a_key_is_kept_and_a_key_in_the_file_has_none(tmp_path: Path) -> None:
    text = "suites: s\ncandidates: [{model: a, api_key: '${K:-x}'}, {model: b, api_key: c}, d]\n"
    named = [c.api_key_variable for c in load(tmp_path, text, K="1").candidates]
    assert named == ["K", None, None]


@pytest.mark.parametrize("env", [{}, {"MY_KEY": ""}])
def test_a_missing_variable_is_named_with_its_line(tmp_path: Path, env: dict[str, str]) -> None:
    text = "suites: s\ncandidates:\n  - {model: a, api_key: '${MY_KEY}'}\n"
    message = refused(tmp_path, text, **env)
    assert message.startswith(
        "llmroute.yaml:3:25: the environment variable MY_KEY is not set or empty"
    )
    assert "export MY_KEY=" in message


def test_an_unfinished_reference_is_refused(tmp_path: Path) -> None:
    assert "is not followed by a name and '}'" in refused(tmp_path, "suites: '${1x}'\n")


@pytest.mark.parametrize(
    "text",
    [
        "suites: s\ncandidates: [a, '${S}']\nreference: other\n",
        "suites: s\ncandidates: ['${S}', '${S}']\n",
        "suites: s\ncandidates: [a]\nreference: ${S}\n",
        "suites: s\ncandidates: [a]\nrepeats: ${S}\n",
        "suites: s\ncandidates: [a]\nquality: {threshold: '${S}', evidence: '${S}'}\n",
        "suites: s\ncandidates: [{model: a, api_base: '${S}', adapter: '${S}'}]\n",
        "suites: s\ncandidates: [{model: a, params: '${S}', price: '${S}'}]\n",
        "suites: s\ncandidates: [a]\ntasks: {t: {exclude: ['${S}']}}\n",
        "suites: s\ncandidates: [a]\nlimits: {rpm: '${S}'}\njudge: ${S}\n",
    ],
)
def test_no_message_repeats_a_value_from_the_environment(tmp_path: Path, text: str) -> None:
    assert "canary" not in refused(tmp_path, text, S="canary-sk-123")


def test_a_record_of_a_candidate_does_not_show_its_key(tmp_path: Path) -> None:
    config = load(tmp_path, "suites: s\ncandidates: [{model: a, api_key: canary}]\n")
    assert "canary" not in repr(config)


def test_a_key_written_in_the_file_is_blotted_out_of_messages(tmp_path: Path) -> None:
    message = refused(tmp_path, "suites: s\ncandidates:\n  - {nme: x, api_key: canary-1}\n")
    assert "canary" not in message


def test_the_file_is_found_upward(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "llmroute.yaml").write_text(MINIMAL)
    below = tmp_path / "a" / "b"
    below.mkdir(parents=True)
    assert find_config(below) == tmp_path / "llmroute.yaml"
    monkeypatch.chdir(below)
    assert find_config(Path()) == Path("../../llmroute.yaml")


def test_no_file_is_found_where_there_is_none(tmp_path: Path) -> None:
    found = find_config(tmp_path)
    assert found is None or not found.is_relative_to(tmp_path)


def test_without_a_file_the_shipped_suites_meet_the_builtin_candidates() -> None:
    config = default_config()
    assert [c.name for c in config.candidates] == ["builtin/rules", "builtin/tfidf"]
    assert [path.name for path in config.suites] == ["suites"]


def test_a_task_without_a_suite_is_refused_with_its_line(tmp_path: Path) -> None:
    config = load(tmp_path, MINIMAL + "tasks:\n  summarise: {exclude: [a]}\n")
    with pytest.raises(ConfigError) as caught:
        check_tasks(config, ["summarize", "chat"])
    assert caught.value.where == f"{tmp_path / 'llmroute.yaml'}:4:3"
    assert "Did you mean 'summarize'?" in str(caught.value)
    check_tasks(config, ["summarise"])


@given(
    st.dictionaries(
        st.sampled_from(["suites", "candidates", "quality", "budget", "tasks", "seed", "x"]),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
            lambda inner: (
                st.lists(inner, max_size=3)
                | st.dictionaries(
                    st.sampled_from(["model", "name", "threshold", "max_usd", "price", "params"]),
                    inner,
                    max_size=3,
                )
            ),
            max_leaves=6,
        ),
    )
)
@settings(max_examples=150, deadline=None)
def test_any_values_give_a_configuration_or_a_placed_error(
    tmp_path_factory: pytest.TempPathFactory, values: dict[str, object]
) -> None:
    import yaml

    path = tmp_path_factory.getbasetemp() / "fuzz.yaml"
    path.write_text(yaml.safe_dump(values, allow_unicode=True), encoding="utf-8")
    found = loaded_or_refused(path)
    if isinstance(found, ConfigError):
        assert found.where
        assert found.fix
    else:
        assert found.candidates


def test_limits_of_a_key_are_read_by_provider_or_host(tmp_path: Path) -> None:
    config = load(
        tmp_path,
        "suites: s.yaml\n"
        "candidates:\n"
        "  - openai/gpt-4o-mini\n"
        "  - {model: openai/q, name: local, api_base: 'http://gpu:8000/v1'}\n"
        "providers:\n"
        "  openai: {rpm: 500, tpm: 200000}\n"
        "  gpu:8000: {concurrency: 8}\n",
    )
    assert config.provider_limits == {
        "openai": Limits(rpm=500, tpm=200_000),
        "gpu:8000": Limits(concurrency=8),
    }


def test_limits_of_a_key_nobody_uses_are_refused_with_their_line(tmp_path: Path) -> None:
    said = refused(
        tmp_path,
        "suites: s.yaml\ncandidates: [openai/a, anthropic/b]\nproviders:\n  opnai: {rpm: 5}\n",
    )
    assert said.startswith("llmroute.yaml:4:3")
    assert "no candidate is called at 'opnai'" in said
    assert "Did you mean 'openai'?" in said


@pytest.mark.parametrize("limit", ["rpm: 0", "tpm: -1", "concurrency: 0", "rpm: .nan", "rps: 5"])
def test_limits_of_a_key_that_cannot_be_meant_are_refused(tmp_path: Path, limit: str) -> None:
    assert "llmroute.yaml:4" in refused(
        tmp_path,
        f"suites: s.yaml\ncandidates: [openai/a]\nproviders:\n  openai: {{{limit}}}\n",
    )
