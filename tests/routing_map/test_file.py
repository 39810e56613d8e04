from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from llmroute.analysis.compare import compare
from llmroute.errors import ConfigError
from llmroute.records import (
    Interval,
    JudgeEvidence,
    Match,
    Outcome,
    Outcomes,
    Plugin,
    Price,
    Provenance,
    QualityRule,
    QualityThreshold,
    RoutingMap,
    TaskLimits,
    Usage,
)
from llmroute.routing_map.choose import choose_routes
from llmroute.routing_map.file import (
    map_digest,
    map_to_dict,
    map_to_json,
    map_to_yaml,
    read_map,
    read_map_document,
)


@pytest.fixture
def routing_map() -> RoutingMap:
    rows = tuple(
        Outcome(
            "t: ünïcode", f"s{i}", name, score=float(i % 20 > 0), answered=True, usage=Usage(333, i)
        )
        for name in ("a", "b")
        for i in range(100)
    )
    prices = {"a": Price(0.15, 0.6), "b": Price(3.0, 15.0)}
    rule = QualityRule(QualityThreshold(0.95, "best"))
    return choose_routes(
        compare(Outcomes(rows), prices, rule, reference="b"),
        matches={"t: ünïcode": Match(keywords=("refund",))},
        checks={"t: ünïcode": (Plugin("refusal"), Plugin("length", {"max_words": 60}))},
        provenance=Provenance(run_id="r1", suites={"t: ünïcode": "ab" * 32}),
        notes=["a note"],
    )


def test_a_written_map_reads_back_and_writes_the_same_bytes(
    routing_map: RoutingMap, tmp_path: Path
) -> None:
    path = tmp_path / "routing-map.yaml"
    path.write_text(map_to_yaml(routing_map), encoding="utf-8")
    read = read_map(path)
    assert map_to_yaml(read) == map_to_yaml(routing_map)
    assert read.tasks[0].threshold_rule == QualityThreshold(0.95, "best")
    assert read.matches == routing_map.matches
    assert read.checks == routing_map.checks


def test_the_limits_a_route_keeps_to_stand_in_the_map(
    routing_map: RoutingMap, tmp_path: Path
) -> None:
    limits = TaskLimits(max_latency_p95_s=2.0, excluded=("slow",))
    limited = replace(routing_map, tasks=(replace(routing_map.tasks[0], limits=limits),))
    path = tmp_path / "m.yaml"
    path.write_text(map_to_yaml(limited), encoding="utf-8")
    assert "limits:\n      max_latency_p95_s: 2.0\n      excluded:\n        - slow\n" in (
        path.read_text(encoding="utf-8")
    )
    assert read_map(path).tasks[0].limits == limits
    assert "limits" not in map_to_dict(routing_map)["tasks"]["t: ünïcode"]


def test_a_map_states_its_own_digest_in_yaml_and_in_json(
    routing_map: RoutingMap, tmp_path: Path
) -> None:
    for name, text in (("m.yaml", map_to_yaml(routing_map)), ("m.json", map_to_json(routing_map))):
        (tmp_path / name).write_text(text, encoding="utf-8")
        document, _ = read_map_document(tmp_path / name)
        content = document.root.data()
        assert map_digest(content) == content["digest"]
        content["tasks"]["t: ünïcode"]["evidence"]["quality"] = 0.99
        assert map_digest(content) != content["digest"]


@pytest.mark.parametrize("name", ["1e3", "0o17", "012", "yes", "null", "~", "1:30", "2024-01-31"])
def test_a_name_that_looks_like_a_number_stays_a_name(
    routing_map: RoutingMap, tmp_path: Path, name: str
) -> None:
    path = tmp_path / "m.yaml"
    named = replace(routing_map, reference=name, tasks=(replace(routing_map.tasks[0], task=name),))
    path.write_text(map_to_yaml(named), encoding="utf-8")
    read = read_map(path)
    assert (read.reference, read.tasks[0].task) == (name, name)


def test_json_carries_the_same_structure_as_yaml(routing_map: RoutingMap) -> None:
    assert json.loads(map_to_json(routing_map)) == yaml.safe_load(map_to_yaml(routing_map))


def test_the_file_has_the_documented_shape(routing_map: RoutingMap) -> None:
    document = map_to_dict(routing_map)
    assert list(document)[:2] == ["version", "generated_by"]
    assert {"reference", "tasks", "savings"} <= set(document)
    task = document["tasks"]["t: ünïcode"]
    assert {"route", "fallbacks", "verdict", "quality_threshold", "evidence", "rejected"} <= set(
        task
    )
    assert set(task["evidence"]) == {
        "n_samples", "coverage", "quality", "quality_low", "quality_high", "cost_usd_per_1k",
        "cost_basis", "latency_p50_s", "latency_p95_s", "suite_hash",
    }  # fmt: skip
    assert {"candidate", "verdict", "reason"} <= set(task["rejected"][0])


@pytest.mark.parametrize(
    ("judge", "word"),
    [
        (JudgeEvidence(("openai/gpt-4o",), "tone", False, "no labels", 0), "uncalibrated"),
        (
            JudgeEvidence(
                ("a", "b"),
                None,
                True,
                "corrected",
                60,
                agreement=Interval(0.8, 0.7, 0.9),
                ceiling=Interval(0.85, 0.75, 0.95),
                flip_rate=0.125,
                unreadable_share=0.25,
                effective_votes=1.5,
            ),
            "calibrated",
        ),
    ],
)
def test_the_map_says_in_one_word_what_its_judge_is_worth_and_keeps_the_rest(
    routing_map: RoutingMap, tmp_path: Path, judge: JudgeEvidence, word: str
) -> None:
    task = routing_map.tasks[0]
    judged = replace(
        routing_map, tasks=(replace(task, evidence=replace(task.evidence, judge=judge)),)
    )
    path = tmp_path / "m.yaml"
    path.write_text(map_to_yaml(judged), encoding="utf-8")
    assert f"\n      judge: {word}\n" in path.read_text(encoding="utf-8")
    assert read_map(path).tasks[0].evidence.judge == judge


def test_a_task_names_its_checks_as_a_suite_does(routing_map: RoutingMap) -> None:
    written = map_to_dict(routing_map)["tasks"]["t: ünïcode"]["checks"]
    assert written == ["refusal", {"name": "length", "max_words": 60}]


def test_figures_have_six_significant_digits(routing_map: RoutingMap) -> None:
    evidence = map_to_dict(routing_map)["tasks"]["t: ünïcode"]["evidence"]
    assert evidence["cost_usd_per_1k"] == 0.07965  # (333 × 0.15 + 49.5 × 0.6) / 1,000
    assert len(str(evidence["quality_low"])) <= 8


def test_a_later_version_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "m.yaml"
    path.write_text("version: 2\n")
    with pytest.raises(
        ConfigError, match=r"m\.yaml:1:10.*version 2 is not one this llmroute reads"
    ):
        read_map(path)


def test_an_unknown_key_is_refused_with_its_place(routing_map: RoutingMap, tmp_path: Path) -> None:
    path = tmp_path / "m.yaml"
    path.write_text(map_to_yaml(routing_map).replace("fallbacks:", "falbacks:"), encoding="utf-8")
    with pytest.raises(ConfigError, match="falbacks"):
        read_map(path)
