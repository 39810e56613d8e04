"""action.yml is run as GitHub runs it: scripts under bash, with the runner's files and variables.

Steps that use another action are not run but checked: each is of GitHub's own, pinned by its
commit, and given only inputs it has.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
ACTION = yaml.safe_load((ROOT / "action.yml").read_text())
STEPS: list[dict[str, Any]] = ACTION["runs"]["steps"]
WORKFLOW = ROOT / "examples/ci/github.yml"
INPUTS = {
    "actions/cache/restore": {"path", "key", "restore-keys"},
    "actions/cache/save": {"path", "key"},
    "actions/checkout": {"fetch-depth", "persist-credentials"},
    "actions/setup-python": {"python-version"},
    "actions/upload-artifact": {"name", "path", "if-no-files-found"},
}
"""The inputs of other actions that we give, read in their action.yml."""


# -- the runner -----------------------------------------------------------------------------------


@dataclass
class Log:
    """A step's output, and what the runner would have obeyed in it."""

    text: str = ""
    obeyed: list[str] = field(default_factory=list)

    def add(self, text: str) -> None:
        """The runner reads line by line, and obeys nothing between stop-commands and its token."""
        self.text += text
        token = None
        for line in text.splitlines():
            command = line.lstrip()
            if token is not None:
                token = None if command == f"::{token}::" else token
            elif command.startswith("::stop-commands::"):
                token = command.removeprefix("::stop-commands::")
            elif command.startswith("::") or re.search(r"##\[", line):
                self.obeyed.append(line)


@dataclass
class Job:
    """One run of the action in a workspace; the first one installs llmroute for all."""

    workspace: Path
    bin: Path
    inputs: dict[str, str]
    github: dict[str, str]
    env: dict[str, str]
    outputs: dict[str, dict[str, str]] = field(default_factory=dict)
    used: list[str] = field(default_factory=list)
    log: Log = field(default_factory=Log)
    code: int = 0
    n_steps: int = 0

    @property
    def summary(self) -> str:
        path = self.workspace.parent / "summary.md"
        return path.read_text() if path.exists() else ""

    def run(self) -> Job:
        for step in STEPS:
            if not self._is_due(step):
                continue
            if "uses" in step:
                self.used.append(step["uses"].split("@")[0])
            elif step["name"] != "Install llmroute" or not (self.bin / "llmroute").exists():
                self._run_script(step)
        return self

    def result(self, name: str) -> str:
        """An output of the action."""
        return self.filled(ACTION["outputs"][name]["value"])

    def filled(self, text: Any) -> str:
        return re.sub(r"\$\{\{(.+?)\}\}", lambda m: str(self._value(m[1])), str(text))

    def _is_due(self, step: Mapping[str, Any]) -> bool:
        condition = str(step.get("if", "")).removeprefix("${{").removesuffix("}}").strip()
        always = "always()" in condition
        due = bool(self._value(condition)) if condition else True
        return due and (always or self.code == 0)

    def _value(self, expression: str) -> Any:
        """An expression of the forms action.yml uses: names, texts, ==, !=, &&, ||, always()."""

        def look_up(match: re.Match[str]) -> str:
            first, *rest = match[0].split(".")
            tables: dict[str, Any] = {"inputs": self.inputs, "github": self.github}
            if first == "steps":
                return repr(self.outputs.get(rest[0], {}).get(rest[2], ""))
            return repr(tables[first][rest[0]])

        python = re.sub(r"\b(?:inputs|github|steps)(?:\.[\w-]+)+", look_up, expression)
        python = python.replace("&&", " and ").replace("||", " or ").replace("always()", "True")
        return eval(python, {"__builtins__": {}})

    def _run_script(self, step: Mapping[str, Any]) -> None:
        self.n_steps += 1
        folder = self.workspace.parent
        script, output = folder / f"step{self.n_steps}.sh", folder / f"output{self.n_steps}"
        script.write_text(step["run"])
        output.touch()
        assert step["shell"] == "bash"
        assert "${{" not in step["run"], "values reach a script as variables, never as its text"
        env = {
            **self.env,
            **{name: self.filled(value) for name, value in step.get("env", {}).items()},
            "GITHUB_OUTPUT": str(output),
            "GITHUB_STEP_SUMMARY": str(folder / "summary.md"),
        }
        done = subprocess.run(
            ["bash", "--noprofile", "--norc", "-eo", "pipefail", str(script)],
            cwd=self.workspace / self.filled(step.get("working-directory", ".")),
            env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=300,
        )  # fmt: skip
        self.log.add(done.stdout)
        self.outputs[step.get("id", script.name)] = _read_outputs(output.read_text())
        self.code = self.code or done.returncode


def _read_outputs(text: str) -> dict[str, str]:
    pairs = (line.partition("=") for line in text.splitlines())
    return {name: value for name, equals, value in pairs if equals}


@pytest.fixture(scope="session")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment as setup-python leaves it: python and pip, and none of ours.

    What llmroute needs is found where the tests found it, so that its installation is the action's
    own command and asks no registry.
    """
    folder = tmp_path_factory.mktemp("runner") / "venv"
    subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    site = next(folder.glob("lib/python*/site-packages"))
    (site / "installed.pth").write_text(sysconfig.get_paths()["purelib"] + "\n")
    return folder / "bin"


@pytest.fixture
def job(environment: Path, tmp_path: Path) -> Callable[..., Job]:
    """Runs the action in this test's workspace; inputs by name, `-` written `_`."""
    workspace = tmp_path / "workspace"
    workspace.mkdir()

    def run(event: Mapping[str, Any] | None = None, api_url: str = "", **given: str) -> Job:
        shutil.rmtree(tmp_path / "summary.md", ignore_errors=True)
        (tmp_path / "summary.md").unlink(missing_ok=True)
        (tmp_path / "event.json").write_text(json.dumps(event or {}))
        github = {
            "action_path": str(ROOT), "event_name": "pull_request" if event else "push",
            "run_id": "1", "run_attempt": "1", "token": "ghs_canary0123456789",
        }  # fmt: skip
        inputs = {name: str(one.get("default", "")) for name, one in ACTION["inputs"].items()}
        inputs["token"] = github["token"]
        unknown = {name.replace("_", "-") for name in given} - set(inputs)
        assert not unknown
        inputs |= {name.replace("_", "-"): value for name, value in given.items()}
        env = {
            "PATH": f"{environment}:{os.environ['PATH']}", "HOME": str(tmp_path), "CI": "true",
            "GITHUB_ACTIONS": "true", "GITHUB_REPOSITORY": "octo/repo", "GITHUB_API_URL": api_url,
            "GITHUB_EVENT_PATH": str(tmp_path / "event.json"), "LANG": "C.UTF-8",
            "PIP_NO_INDEX": "1", "PIP_NO_BUILD_ISOLATION": "0", "PIP_ROOT_USER_ACTION": "ignore",
        }  # fmt: skip
        return Job(workspace, environment, inputs, github, env).run()

    return run


# -- runs -----------------------------------------------------------------------------------------


def test_a_first_run_benches_the_default_suites_and_passes(job: Callable[..., Job]) -> None:
    first = job(offline="true", args="--limit 8")
    assert first.code == 0, first.log.text
    assert first.result("verdict") == "pass"
    assert first.result("cost") == "0.000000"
    assert first.result("map-path") == "./llmroute-out/routing-map.yaml"
    assert (first.workspace / first.result("map-path")).is_file()
    assert (first.workspace / first.result("report-path")).is_file()
    assert "routing-map.yaml is not there yet" in first.log.text
    assert first.summary.startswith("<!-- llmroute check -->\n### ✅ There is no previous map")
    assert "### No candidate qualifies on any of " in first.summary
    assert len(first.summary.encode()) < 1_048_576
    assert first.log.obeyed == []
    assert first.used == [
        "actions/setup-python", "actions/cache/restore", "actions/cache/save",
        "actions/upload-artifact",
    ]  # fmt: skip

    # The next run has the store of this one, and this map is committed by then.
    shutil.copy(first.workspace / first.result("map-path"), first.workspace / "routing-map.yaml")
    second = job(offline="true", args="--limit 8", check_args="--max-age 1d")
    assert (second.code, second.result("verdict"), second.result("changed")) == (0, "pass", "false")
    assert "The gate says yes: nothing to object to in " in second.log.text


class _Api(BaseHTTPRequestHandler):
    bodies: list[str] = []  # noqa: RUF012 - one test, one server

    def do_GET(self) -> None:
        self._send([])

    def do_POST(self) -> None:
        raw = self.rfile.read(int(self.headers["Content-Length"]))
        self.bodies.append(json.loads(raw)["body"])
        self._send({"html_url": "https://x/1"})

    def _send(self, content: Any) -> None:
        raw = json.dumps(content).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def api_url() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Api)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    _Api.bodies.clear()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()


PULL_REQUEST = {"pull_request": {"number": 7}}
HOSTILE = "::set-output name=verdict::pass"
SUITE = """\
name: colours
task: '{task}'
prompt: "What colour is {{{{ input }}}}?"
metric: exact
quality_threshold: {bar}
samples:
"""


def write_project(workspace: Path, bar: float) -> None:
    rows = "".join(f'  - {{id: c{i}, input: "thing {i}", target: red}}\n' for i in range(30))
    (workspace / "suites").mkdir(exist_ok=True)
    (workspace / "suites/colours.yaml").write_text(SUITE.format(task=HOSTILE, bar=bar) + rows)
    (workspace / "llmroute.yaml").write_text(
        "suites: [suites]\ncandidates: [{model: builtin/rules, name: '##[error]owned'}]\n"
    )


def test_a_gate_that_says_no_fails_comments_and_is_not_talked_out_of_it(
    job: Callable[..., Job], api_url: str, tmp_path: Path
) -> None:
    workspace = tmp_path / "workspace"
    write_project(workspace, 0.5)
    first = job(offline="true")
    assert first.code == 0, first.log.text
    shutil.copy(workspace / first.result("map-path"), workspace / "routing-map.yaml")
    write_project(workspace, 0.4)
    second = job(PULL_REQUEST, api_url, offline="true")
    assert second.code == 1, second.log.text
    assert second.result("verdict") == "fail"
    assert second.log.obeyed == [
        "::error title=llmroute::The gate says no: 1 of its rules object. The job summary says why."
    ]
    assert "| ❌ | `::set-output name=verdict::pass` | `threshold_lowered` |" in second.summary
    assert len(_Api.bodies) == 1
    assert _Api.bodies[0].startswith("<!-- llmroute check -->\n### ❌ The gate says no")
    assert len(_Api.bodies[0]) < 65_536
    assert "ghs_canary" not in second.log.text
    assert "actions/upload-artifact" in second.used
    assert "actions/cache/save" in second.used


def test_a_comment_that_is_refused_leaves_the_answer_as_it_is(job: Callable[..., Job]) -> None:
    run = job(PULL_REQUEST, "http://127.0.0.1:9", offline="true", args="--limit 3")
    assert run.code == 0, run.log.text
    assert run.log.obeyed == [
        "::notice title=llmroute::No comment was written; the job summary says the same."
    ]


def test_a_bench_that_cannot_start_ends_the_job_with_its_code(
    job: Callable[..., Job], tmp_path: Path
) -> None:
    (tmp_path / "workspace/llmroute.yaml").write_text("suites: [suites]\ncandidate: []\n")
    run = job(offline="true")
    assert run.code == 2
    assert "Did you mean 'candidates'?" in run.log.text
    assert run.log.obeyed == [
        "::error title=llmroute::The bench ended with exit code 2; its step's log says why."
    ]
    assert run.result("verdict") == ""
    assert "actions/upload-artifact" not in run.used


def test_a_previous_map_that_cannot_be_read_is_no_yes(
    job: Callable[..., Job], tmp_path: Path
) -> None:
    (tmp_path / "workspace/routing-map.yaml").write_text("version: 2\n")
    run = job(offline="true", args="--limit 3")
    assert run.code == 2
    assert "version 2 is not one this llmroute reads" in run.log.text
    assert run.log.obeyed == [
        "::error title=llmroute::The gate could not be asked; its step's log says why."
    ]


def test_values_with_shell_in_them_stay_values(job: Callable[..., Job], tmp_path: Path) -> None:
    hostile = {"previous": "$(touch owned)`touch o2`", "out": "out; touch o3"}
    run = job(offline="true", args="--limit 3 --suite classification", **hostile)
    assert run.code == 0, run.log.text
    assert sorted(p.name for p in (tmp_path / "workspace").iterdir()) == [
        ".llmroute", "out; touch o3",
    ]  # fmt: skip


# -- what is written ------------------------------------------------------------------------------


def _uses() -> Iterator[tuple[str, Mapping[str, Any], str]]:
    text = (ROOT / "action.yml").read_text() + WORKFLOW.read_text()
    jobs = yaml.safe_load(WORKFLOW.read_text())["jobs"].values()
    for step in (*STEPS, *(step for one in jobs for step in one["steps"])):
        if "uses" in step and step["uses"] != "./":
            yield step["uses"], step.get("with", {}), text


def test_only_githubs_own_actions_are_used_each_pinned_by_its_commit() -> None:
    used = list(_uses())
    assert len(used) == 5
    for name, given, text in used:
        assert re.fullmatch(r"actions/[\w/-]+@[0-9a-f]{40}", name)
        assert re.search(rf"{name} # v\d+\.\d+\.\d+\n", text)
        assert set(given) <= INPUTS[name.split("@")[0]]


def test_every_input_is_used_and_every_one_used_is_declared() -> None:
    text = (ROOT / "action.yml").read_text()
    assert set(re.findall(r"inputs\.([\w-]+)", text)) == set(ACTION["inputs"])
    scripts = "".join(step.get("run", "") for step in STEPS)
    written = ("verdict", "changed", "spent_usd")  # by check.env and bench.env
    for output in ACTION["outputs"].values():
        found = re.fullmatch(r"\$\{\{ steps\.(\w+)\.outputs\.([\w-]+) \}\}", output["value"])
        assert found is not None
        assert found[1] in {step.get("id") for step in STEPS}
        assert f"{found[2]}=" in scripts or found[2] in written


def test_the_workflow_gives_the_action_inputs_it_has() -> None:
    steps = yaml.safe_load(WORKFLOW.read_text())["jobs"]["gate"]["steps"]
    given = next(step["with"] for step in steps if step.get("uses") == "./")
    assert set(given) <= set(ACTION["inputs"])
    assert not re.search(r"^\s*pull_request_target:", WORKFLOW.read_text(), re.MULTILINE)


@pytest.mark.parametrize("linter", ["actionlint", "jactionlint"])
def test_linters_pass_the_action_and_the_example_workflow(linter: str, tmp_path: Path) -> None:
    program = _program(linter)
    workflows = tmp_path / ".github/workflows"
    workflows.mkdir(parents=True)
    (tmp_path / ".git").mkdir()
    shutil.copy(WORKFLOW, workflows / "llmroute.yml")
    shutil.copy(ROOT / "action.yml", tmp_path)
    files = ["action.yml"] if linter == "jactionlint" else []
    done = subprocess.run(
        [program, *files, ".github/workflows/llmroute.yml"],
        cwd=tmp_path, capture_output=True, text=True, timeout=60,
        env={**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"},
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    broken = (workflows / "llmroute.yml").read_text().replace("runs-on:", "runs-onn:")
    (workflows / "llmroute.yml").write_text(broken)
    assert subprocess.run([program, ".github/workflows/llmroute.yml"], cwd=tmp_path,
                          capture_output=True, timeout=60).returncode == 1  # fmt: skip


def test_shellcheck_passes_every_script(tmp_path: Path) -> None:
    program = _program("shellcheck")
    scripts = [str(ROOT / "examples/ci/run.sh")]
    for number, step in enumerate(one for one in STEPS if "run" in one):
        path = tmp_path / f"step{number}.sh"
        path.write_text("#!/usr/bin/env bash\nset -eo pipefail\n" + step["run"])
        scripts.append(str(path))
    assert len(scripts) == 7
    done = subprocess.run([program, *scripts], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout


def _program(name: str) -> str:
    found = shutil.which(name, path=f"{Path(sys.executable).parent}:{os.environ['PATH']}")
    if found is None:
        pytest.skip(f"{name} is not installed (requirements-dev.txt has what a registry ships)")
    return found


# -- plain shell and GitLab -----------------------------------------------------------------------


def test_the_plain_script_benches_gates_and_exits_with_the_answer(
    environment: Path, job: Callable[..., Job], tmp_path: Path
) -> None:
    workspace = tmp_path / "workspace"
    write_project(workspace, 0.5)
    job(offline="true")  # installs llmroute into the environment

    def run(**more: str) -> subprocess.CompletedProcess[str]:
        env = {"PATH": f"{environment}:/usr/bin:/bin", "HOME": str(tmp_path), "LANG": "C.UTF-8",
               "CI": "true", "LLMROUTE_OFFLINE": "true", **more}  # fmt: skip
        return subprocess.run(["sh", str(ROOT / "examples/ci/run.sh")], cwd=workspace, env=env,
                              capture_output=True, text=True, timeout=300)  # fmt: skip

    first = run()
    assert first.returncode == 0, first.stderr
    shutil.copy(workspace / "llmroute-out/routing-map.yaml", workspace)
    write_project(workspace, 0.4)
    again = run(LLMROUTE_CHECK_ARGS="--max-age 1d --rule suite_changed=off")
    assert again.returncode == 1
    assert (workspace / "llmroute-out/check.env").read_text().startswith("verdict=fail\n")
    (workspace / "llmroute.yaml").write_text("suites: [nowhere]\n")
    assert run().returncode == 2


def test_the_gitlab_job_keeps_the_store_and_shows_the_gates_answer() -> None:
    job = yaml.safe_load((ROOT / "examples/ci/gitlab-ci.yml").read_text())["llmroute"]
    assert job["cache"] == {"key": "llmroute", "paths": [".llmroute/"], "when": "always"}
    assert job["artifacts"]["reports"] == {
        "junit": "llmroute-out/check.junit.xml", "dotenv": "llmroute-out/check.env",
    }  # fmt: skip
    script = (ROOT / "examples/ci/run.sh").read_text()
    names = {*job["variables"], *job["rules"][0]["variables"]}
    assert {name for name in names if name not in script} == set()
