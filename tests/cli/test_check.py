"""`llmroute check`, `map diff` and `map verify` as they are run."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

Invoke = Callable[..., Any]
PRICES = "model,input_usd_per_1m,output_usd_per_1m\ncheap,0.1,0.4\nmiddle,1,4\ndear,10,30\n"


def write_outcomes(path: Path, wrong: dict[str, int], task: str = "gsm", n: int = 200) -> Path:
    """Candidate → how many of every 40 answers of it are wrong."""
    rows = [
        {
            "id": f"q{i}",
            "task": task,
            "prompt": f"what is {i}?",
            "models": {
                name: {
                    "score": float(i % 40 >= share),
                    "prompt_tokens": 100,
                    "completion_tokens": 50,
                }
                for name, share in wrong.items()
            },
        }
        for i in range(n)
    ]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


PRICED = ("--prices", "prices.csv", "--reference", "dear")
GOOD = {"cheap": 3, "middle": 2, "dear": 0}
WORSE = {"cheap": 12, "middle": 2, "dear": 0}


@pytest.fixture
def make_map(folder: Path, llmroute: Invoke) -> Callable[..., Path]:
    """A map in a folder of its own, with its outcomes beside it."""
    (folder / "prices.csv").write_text(PRICES)

    def make(name: str, wrong: dict[str, int] = GOOD, *options: str, **more: Any) -> Path:
        outcomes = write_outcomes(folder / name / "outcomes.jsonl", wrong, **more)
        path = folder / name / "routing-map.yaml"
        made = llmroute(
            "map",
            "-d",
            outcomes,
            "--prices",
            "prices.csv",
            "--reference",
            "dear",
            "-o",
            path,
            *options,
        )
        assert made.exit_code == 0, made.stderr
        return path

    return make


def test_the_same_map_passes(make_map: Callable[..., Path], llmroute: Invoke) -> None:
    result = llmroute("check", make_map("b"), "--previous", make_map("a"))
    assert result.exit_code == 0
    assert result.stdout == "The gate says yes: nothing to object to in 1 task.\n"


def test_a_worse_route_fails_with_a_table_that_says_why(
    make_map: Callable[..., Path], llmroute: Invoke
) -> None:
    result = llmroute("check", make_map("b", WORSE), "--previous", make_map("a"))
    assert result.exit_code == 1
    assert result.stdout == (
        "The gate says no: 2 errors in 1 task.\n"
        "\n"
        "Level  Task  Rule           What            Before  After   Why\n"
        "error  gsm   route_changed  route           cheap   middle  cheap: quality 0.700 is below "
        "the bar 0.850; its own quality moved by −0.225 (200 samples in pairs, p < 0.001)\n"
        "error  gsm   cost_rose      cost per 1,000  $0.030  $0.30   by 900%: middle answers "
        "instead of cheap\n\n"
    )


def test_a_first_run_says_so_and_passes(make_map: Callable[..., Path], llmroute: Invoke) -> None:
    path = make_map("a")
    result = llmroute("check", path)
    assert result.exit_code == 0
    assert "There is no previous map to compare with" in result.stdout
    missing = llmroute("check", path, "--previous", "nowhere.yaml")
    assert missing.exit_code == 2
    assert "--previous nowhere.yaml: there is no such map" in missing.stderr
    assert "--allow-missing" in missing.stderr
    allowed = llmroute("check", path, "--previous", "nowhere.yaml", "--allow-missing")
    assert allowed.exit_code == 0
    assert "nowhere.yaml is not there yet" in allowed.stderr


def test_levels_and_tolerances_come_from_the_configuration_and_the_command_line(
    make_map: Callable[..., Path], llmroute: Invoke, folder: Path
) -> None:
    before, after = make_map("a"), make_map("b", WORSE)
    (folder / "suites").mkdir()
    (folder / "llmroute.yaml").write_text(
        "suites: [suites]\ncandidates: [builtin/rules]\n"
        "gate: {route_changed: warn, cost_rose: {tolerance: 20}}\n"
    )
    result = llmroute("check", after, "-p", before, "--json")
    assert result.exit_code == 0
    document = json.loads(result.stdout)
    assert (document["version"], document["verdict"], document["changed"]) == (1, "pass", True)
    assert [(f["rule"], f["level"]) for f in document["findings"]] == [("route_changed", "warn")]
    over = llmroute("check", after, "-p", before, "--rule", "route_changed=error", "--json")
    assert over.exit_code == 1
    off = llmroute("check", after, "-p", before, "--rule", "route_changed=off", "--json")
    assert json.loads(off.stdout)["findings"] == []


def test_max_age_asks_for_evidence_of_known_age(
    make_map: Callable[..., Path], llmroute: Invoke
) -> None:
    path = make_map("a")
    old = llmroute("check", path, "--max-age", "30d", "--json")
    assert old.exit_code == 1
    assert json.loads(old.stdout)["findings"][0]["rule"] == "evidence_age"
    wrong = llmroute("check", path, "--max-age", "a month")
    assert wrong.exit_code == 2
    assert "--max-age: 'a month' is no age\nWrite hours, days or weeks" in wrong.stderr


def test_the_answer_is_written_in_every_form(
    make_map: Callable[..., Path], llmroute: Invoke, folder: Path
) -> None:
    result = llmroute(
        "check", make_map("b", WORSE), "-p", make_map("a"),
        "-o", "c.md", "-o", "c.junit.xml", "-o", "c.json", "-o", "out/c.env",
    )  # fmt: skip
    assert result.exit_code == 1
    markdown = (folder / "c.md").read_text()
    head = "<!-- llmroute check -->\n### ❌ The gate says no: 2 errors in 1 task.\n"
    assert markdown.startswith(head)
    assert (
        "| ❌ | `gsm` | `route_changed` | route | cheap | middle | cheap: quality 0.700" in markdown
    )
    assert "| `~` | `gsm` | cheap → middle |" in markdown
    root = ET.parse(folder / "c.junit.xml").getroot()
    assert root.attrib["failures"] == "2"
    failing = [
        case.get("name") for case in root.iter("testcase") if case.find("failure") is not None
    ]
    assert failing == ["gsm: route", "gsm: cost per 1,000"]
    assert json.loads((folder / "c.json").read_text())["errors"] == 2
    assert (
        folder / "out/c.env"
    ).read_text() == "verdict=fail\nchanged=true\nerrors=2\nwarnings=0\n"
    assert llmroute("check", folder / "a/routing-map.yaml", "-o", "c.pdf").exit_code == 2


def test_a_summary_is_cut_to_the_bytes_it_may_have(
    make_map: Callable[..., Path], llmroute: Invoke, folder: Path
) -> None:
    paths = [folder / name / "outcomes.jsonl" for name in ("a", "b")]
    for path, wrong in zip(paths, (GOOD, WORSE), strict=True):
        tasks = [
            write_outcomes(path, wrong, f"task ä{number}", n=40).read_text() for number in range(60)
        ]
        path.write_text("".join(tasks))
        made = llmroute("map", "-d", path, *PRICED, "-o", path.with_name("routing-map.yaml"))
        assert made.exit_code == 0, made.stderr
    for limit in (1000, 4000):
        llmroute("check", "b/routing-map.yaml", "-p", "a/routing-map.yaml", "-o", "c.md",
                 "--max-bytes", limit)  # fmt: skip
        written = (folder / "c.md").read_bytes()
        assert len(written) <= limit
        assert written.decode().endswith("bytes were cut.\n")


def test_outcomes_of_another_run_are_not_taken_for_the_maps(
    make_map: Callable[..., Path], llmroute: Invoke
) -> None:
    before, after = make_map("a"), make_map("b", WORSE)
    shutil.copy(after.with_name("outcomes.jsonl"), before.with_name("outcomes.jsonl"))
    result = llmroute("check", after, "-p", before)
    assert result.exit_code == 1
    assert "intervals compared" in result.stdout
    named = llmroute(
        "check", after, "-p", before, "--previous-data", before.with_name("outcomes.jsonl")
    )
    assert named.exit_code == 2
    assert "is cheap here, and middle by outcomes.jsonl" in named.stderr


# -- maps that can't be used ----------------------------------------------------------------------


def test_a_map_edited_by_hand_is_refused_with_the_field(
    make_map: Callable[..., Path], llmroute: Invoke
) -> None:
    before, after = make_map("a"), make_map("b")
    text = after.read_text()
    assert text.count("quality: 0.925") == 1
    after.write_text(text.replace("quality: 0.925", "quality: 0.99"))
    for command in (("check", after, "-p", before), ("map", "verify", after)):
        result = llmroute(*command)
        assert result.exit_code == 2
        assert (
            "edited by hand: tasks.gsm.evidence.quality is 0.99 here, and 0.925 by "
            in result.stderr
        )
        assert "routing-map.yaml:25:16" in result.stderr
        assert "      quality: 0.99\n" in result.stderr
    after.with_name("outcomes.jsonl").unlink()
    for command in (
        ("check", after, "-p", before),
        ("check", before, "-p", after),
        ("map", "verify", after),
        ("map", "verify", after, "--shallow"),
    ):
        result = llmroute(*command)
        assert result.exit_code == 2
        assert "edited by hand: its content does not fit its digest" in result.stderr


def _newer(text: str) -> str:
    return text.replace("version: 1\n", "version: 2\n")


def _truncated(text: str) -> str:
    return text[: text.index("    rejected:")]


BROKEN: list[tuple[str, Callable[[str], str], str]] = [
    ("newer", _newer, "routing map version 2 is not one this llmroute reads"),
    ("truncated", _truncated, "is missing"),
    ("no yaml", lambda text: text.replace("tasks:", "tasks: [", 1), "not valid YAML"),
    ("empty", lambda text: "", "the file is empty"),
    ("a typo", lambda text: text.replace("fallbacks:", "falbacks:"), "Did you mean 'fallbacks'"),
    ("other values", lambda text: text.replace("coverage: 1.0", "coverage: much"), "'coverage'"),
    ("a list", lambda text: "- 1\n", "should be a mapping"),
]


@pytest.mark.parametrize(
    ("name", "change", "words"), BROKEN, ids=lambda v: v if isinstance(v, str) else ""
)
def test_a_map_that_cannot_be_read_is_placed_and_mended(
    make_map: Callable[..., Path],
    llmroute: Invoke,
    name: str,
    change: Callable[[str], str],
    words: str,
) -> None:
    good, bad = make_map("a"), make_map("b")
    bad.write_text(change(bad.read_text()))
    for command in (
        ("check", bad, "-p", good),
        ("check", good, "-p", bad),
        ("map", "diff", good, bad),
        ("map", "verify", bad),
    ):
        result = llmroute(*command)
        assert result.exit_code == 2, result.output
        assert words in result.stderr
        assert "b/routing-map.yaml" in result.stderr
        assert "Traceback" not in result.stderr


@pytest.mark.parametrize(
    "command", [("check",), ("check", "-p"), ("map", "verify"), ("map", "diff")]
)
def test_a_folder_and_a_binary_are_no_maps(
    make_map: Callable[..., Path], llmroute: Invoke, folder: Path, command: tuple[str, ...]
) -> None:
    good = make_map("a")
    (folder / "binary.yaml").write_bytes(b"\0\1\2")
    for path, words in ((folder, "is a folder"), ("binary.yaml", "binary file")):
        more = [good] if command[-1] in ("-p", "diff") else []
        result = llmroute(*command, path, *more)
        assert result.exit_code == 2
        assert words in result.stderr


def test_a_previous_map_of_other_suites_is_refused(
    make_map: Callable[..., Path], llmroute: Invoke
) -> None:
    one, other = make_map("a"), make_map("b", task="tickets")
    for command in (("check", other, "-p", one), ("map", "diff", one, other)):
        result = llmroute(*command)
        assert result.exit_code == 2
        assert "they are maps of other suites" in result.stderr
        assert "It maps gsm, the other one tickets." in result.stderr


def test_without_a_bench_the_default_map_is_missed_by_name(folder: Path, llmroute: Invoke) -> None:
    for command in (("check",), ("map", "verify")):
        result = llmroute(*command)
        assert result.exit_code == 2
        assert "there is no map here yet" in result.stderr


# -- map diff and verify --------------------------------------------------------------------------


def test_diff_shows_both_maps_side_by_side(make_map: Callable[..., Path], llmroute: Invoke) -> None:
    before, after = make_map("a"), make_map("b", WORSE, "-t", "0.9")
    result = llmroute("map", "diff", before, after)
    assert result.exit_code == 0
    lines = [line.split() for line in result.stdout.splitlines()]
    assert lines[0] == ["1", "task", "changed."]
    assert " ".join(lines[3]) == (
        "~ gsm cheap → middle ✓ proven 0.93 → 0.95 0.85 → 0.90 $0.030 → $0.30 200"
    )
    assert "bar: 0.85 → 0.90\nrouted cost per 1,000: $0.030 → $0.30\n" in result.stdout
    document = json.loads(llmroute("map", "diff", before, after, "--json").stdout)
    assert document["version"] == 1
    task = document["tasks"][0]
    assert (task["change"], task["before"]["route"], task["after"]["route"]) == (
        "changed", "cheap", "middle",
    )  # fmt: skip
    assert "Nothing changed: 1 task as before." in llmroute("map", "diff", before, before).stdout


def test_the_bare_map_command_still_makes_maps(
    make_map: Callable[..., Path], llmroute: Invoke
) -> None:
    make_map("a")
    result = llmroute("map", "-d", "a/outcomes.jsonl", "-t", "0.9", "--prices", "prices.csv")
    assert result.exit_code == 0
    assert "gsm" in result.stdout
    refused = llmroute("map", "-t", "0.9", "diff", "a/routing-map.yaml", "a/routing-map.yaml")
    assert refused.exit_code == 2
    assert "--threshold stands before 'diff'" in " ".join(refused.stderr.split())


def test_verify_recomputes_from_the_store_and_from_outcomes(folder: Path, llmroute: Invoke) -> None:
    llmroute("bench", "--limit", 8, "--suite", "classification", "--suite", "extraction")
    result = llmroute("map", "verify")
    assert result.exit_code == 0, result.stderr
    assert "digest      matches" in result.stdout
    assert "in .llmroute/store.db gives this map" in result.stdout
    shutil.move(folder / ".llmroute", folder / "elsewhere")
    beside = llmroute("map", "verify", "--json")
    assert json.loads(beside.stdout) == {
        "version": 1, "verified": True, "map": "llmroute-out/routing-map.yaml", "tasks": 2,
        "digest": "matches", "artefacts": [], "recomputed_from": "outcomes.jsonl",
        "not_recomputed": [], "suites_changed": [],
    }  # fmt: skip
    (folder / "llmroute-out/outcomes.jsonl").unlink()
    nothing = llmroute("map", "verify")
    assert nothing.exit_code == 2
    assert "there is nothing to recompute the map from" in nothing.stderr
    assert llmroute("map", "verify", "--shallow").exit_code == 0
    store = llmroute("map", "verify", "--store", "elsewhere/store.db")
    assert store.exit_code == 0, store.stderr


@pytest.mark.parametrize(
    "options",
    [
        (),
        ("-t", "0.3"),
        ("--evidence", "mean"),
        ("--confidence", "0.8"),
        ("--reference", "builtin/tfidf"),
    ],
)
def test_verify_knows_what_a_map_was_decided_by(
    folder: Path, llmroute: Invoke, options: tuple[str, ...]
) -> None:
    llmroute("bench", "--limit", 8, "--suite", "classification", "--suite", "summarization")
    assert llmroute("map", *options, "-o", "m.yaml").exit_code == 0
    for source in ((), ("--data", "llmroute-out/outcomes.jsonl")):
        result = llmroute("map", "verify", "m.yaml", *source)
        assert result.exit_code == 0, result.stderr


def test_a_forged_digest_does_not_help(make_map: Callable[..., Path], llmroute: Invoke) -> None:
    from llmroute.routing_map.file import map_digest, read_map_document

    path = make_map("a")
    path.write_text(path.read_text().replace("quality: 0.925", "quality: 0.99"))
    content = read_map_document(path)[0].root.data()
    path.write_text(path.read_text().replace(content["digest"], map_digest(content)))
    assert llmroute("map", "verify", path, "--shallow").exit_code == 0
    result = llmroute("map", "verify", path)
    assert result.exit_code == 2
    assert "tasks.gsm.evidence.quality is 0.99 here, and 0.925 by outcomes.jsonl" in result.stderr


def test_verify_says_which_suites_have_changed_since(
    configure: Callable[[str], Path], folder: Path, llmroute: Invoke
) -> None:
    configure("  - builtin/rules")
    llmroute("bench", "--limit", 10)
    assert "changed since" not in llmroute("map", "verify").stdout
    suite = folder / "suites/colours.yaml"
    suite.write_text(suite.read_text().replace("One word.", "Just one word."))
    result = llmroute("map", "verify")
    assert result.exit_code == 0
    assert "suites      changed since: colours" in result.stdout


def test_a_file_named_by_hash_must_be_that_file(
    make_map: Callable[..., Path], llmroute: Invoke, folder: Path
) -> None:
    from dataclasses import replace

    from llmroute.digest import file_digest
    from llmroute.records import Interval, QueryRouter
    from llmroute.routing_map.file import map_to_yaml, read_map

    path = make_map("a")
    artefact = path.with_name("router.json")
    artefact.write_text("{}")
    share = Interval(0.3, 0.2, 0.4)
    router = QueryRouter(
        "tfidf", "router.json", file_digest(artefact), "cheap", "dear", 0.5, share, share
    )
    path.write_text(map_to_yaml(replace(read_map(path), query_router=router)))
    assert "files       router.json: as they were" in llmroute("map", "verify", path).stdout
    artefact.write_text("{ }")
    changed = llmroute("map", "verify", path)
    assert changed.exit_code == 2
    assert "router.json is not the file this map was made with" in changed.stderr
    artefact.unlink()
    assert "router.json does not stand beside the map" in llmroute("map", "verify", path).stderr


def test_figures_that_peoples_labels_corrected_are_not_held_against_bare_outcomes(
    make_map: Callable[..., Path], llmroute: Invoke
) -> None:
    from dataclasses import replace

    from llmroute.records import JudgeEvidence
    from llmroute.routing_map.file import map_to_yaml, read_map

    path = make_map("a")
    routing_map = read_map(path)
    judge = JudgeEvidence(("openai/gpt-4o",), "helpfulness", True, "60 answers are labelled", 60)
    evidence = replace(routing_map.tasks[0].evidence, quality=0.88, judge=judge)
    corrected = replace(routing_map, tasks=(replace(routing_map.tasks[0], evidence=evidence),))
    path.write_text(map_to_yaml(corrected))
    result = llmroute("map", "verify", path)
    assert result.exit_code == 0, result.stderr
    assert "but for     gsm: people's labels corrected the judge there" in result.stdout
    bare = replace(evidence, judge=replace(judge, calibrated=False))
    path.write_text(
        map_to_yaml(replace(routing_map, tasks=(replace(routing_map.tasks[0], evidence=bare),)))
    )
    assert llmroute("map", "verify", path).exit_code == 2
    warned = llmroute("check", path, "--previous", path, "--json")
    assert [f["rule"] for f in json.loads(warned.stdout)["findings"]] == ["judge_uncalibrated"]


def test_sections_nobody_here_knows_are_compared_and_checked_all_the_same(
    make_map: Callable[..., Path], llmroute: Invoke
) -> None:
    from llmroute.digest import file_digest
    from llmroute.routing_map.file import map_digest, read_map_document

    before, after = make_map("a"), make_map("b")
    artefact = before.with_name("future.bin")
    artefact.write_text("x")
    section = f"future:\n  artefact: future.bin\n  sha256: {file_digest(artefact)}\n"
    before.write_text(section + before.read_text())
    content = read_map_document(before, any_section=True)[0].root.data()
    before.write_text(before.read_text().replace(content["digest"], map_digest(content)))
    verified = llmroute("map", "verify", before)
    assert "files       future.bin: as they were" in verified.stdout, verified.stderr
    assert "future: removed" in llmroute("map", "diff", before, after).stdout
    assert "future: added" in llmroute("map", "diff", after, before).stdout
    warned = json.loads(llmroute("check", after, "-p", before, "--json").stdout)
    assert [(f["rule"], f["what"]) for f in warned["findings"]] == [("router_changed", "future")]
    artefact.write_text("y")
    assert llmroute("map", "verify", before).exit_code == 2
