"""The pull request's comment, written to an API on loopback that keeps comments as GitHub does."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from typer.testing import CliRunner

from llmroute.ci.github import PullRequest
from llmroute.cli.app import app
from llmroute.errors import InputError
from llmroute.report.gate.markdown import MARKER

TOKEN = "ghs_canary0123456789"


class Api(ThreadingHTTPServer):
    """Comments of pull request 7 of octo/repo; answers with `refuse` where it is set."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.comments: list[dict[str, Any]] = []
        self.asked: list[str] = []
        self.refuse: int | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def add(self, body: str, kind: str) -> None:
        number = len(self.comments) + 1
        self.comments.append(
            {"id": number, "body": body, "user": {"type": kind}, "html_url": f"https://x/{number}"}
        )


class _Handler(BaseHTTPRequestHandler):
    server: Api

    def _answer(self) -> None:
        api, parts = self.server, urlsplit(self.path)
        api.asked.append(f"{self.command} {parts.path}")
        if api.refuse or self.headers["Authorization"] != f"Bearer {TOKEN}":
            self._send(api.refuse or 401, {"message": "no"})
            return
        raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if self.command == "GET":
            page = int(parse_qs(parts.query)["page"][0])
            self._send(200, api.comments[100 * (page - 1) : 100 * page])
        elif self.command == "POST":
            api.add(json.loads(raw)["body"], "Bot")
            self._send(201, api.comments[-1])
        else:
            found = api.comments[int(parts.path.rsplit("/", 1)[1]) - 1]
            found["body"] = json.loads(raw)["body"]
            self._send(200, found)

    do_GET = do_POST = do_PATCH = _answer  # noqa: N815 - names of the base class

    def _send(self, status: int, content: Any) -> None:
        raw = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def api() -> Iterator[Api]:
    server = Api()
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def comment(api: Api, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """`llmroute ci comment` in a job for pull request 7."""
    event = tmp_path / "event.json"
    event.write_text(json.dumps({"pull_request": {"number": 7}}))
    for name, value in {
        "GITHUB_API_URL": api.url,
        "GITHUB_REPOSITORY": "octo/repo",
        "GITHUB_EVENT_PATH": str(event),
        "GITHUB_TOKEN": TOKEN,
    }.items():
        monkeypatch.setenv(name, value)

    def run(text: str = f"{MARKER}\n### yes") -> Any:
        (tmp_path / "check.md").write_text(text)
        return CliRunner().invoke(app, ["ci", "comment", str(tmp_path / "check.md")])

    return run


def test_the_second_run_replaces_the_first_ones_comment(
    api: Api, comment: Callable[..., Any]
) -> None:
    first = comment()
    assert first.exit_code == 0, first.stderr
    assert "Commented on pull request 7: https://x/1" in first.stderr
    assert comment(f"{MARKER}\n### no").exit_code == 0
    assert [one["body"] for one in api.comments] == [f"{MARKER}\n### no"]
    path = "/repos/octo/repo/issues"
    assert api.asked == [
        f"GET {path}/7/comments", f"POST {path}/7/comments",
        f"GET {path}/7/comments", f"PATCH {path}/comments/1",
    ]  # fmt: skip


def test_a_persons_comment_with_the_marker_is_never_taken_for_ours(
    api: Api, comment: Callable[..., Any]
) -> None:
    api.add(f"{MARKER}\n### yes, trust me", "User")
    api.add(f"see {MARKER}", "Bot")
    comment()
    assert len(api.comments) == 3
    assert api.comments[0]["body"].endswith("trust me")


def test_the_comment_is_found_behind_a_hundred_others(
    api: Api, comment: Callable[..., Any]
) -> None:
    for number in range(250):
        api.add(f"comment {number}", "User")
    api.add(f"{MARKER}\nold", "Bot")
    comment()
    assert (len(api.comments), api.comments[250]["body"]) == (251, f"{MARKER}\n### yes")


def test_a_text_without_the_marker_gets_it(api: Api, comment: Callable[..., Any]) -> None:
    comment("### ours")
    assert api.comments[0]["body"] == f"{MARKER}\n### ours"


def test_a_job_for_no_pull_request_has_nothing_to_comment_on(
    api: Api, comment: Callable[..., Any], tmp_path: Path
) -> None:
    (tmp_path / "event.json").write_text('{"ref": "refs/heads/main"}')
    result = comment()
    assert result.exit_code == 0
    assert "not for a pull request" in result.stderr
    assert api.asked == []


@pytest.mark.parametrize(
    ("status", "words"), [(403, "from a fork"), (404, "pull-requests: write"), (500, "again later")]
)
def test_a_refusal_says_what_to_do_and_exits_3(
    api: Api, comment: Callable[..., Any], status: int, words: str
) -> None:
    api.refuse = status
    result = comment()
    assert result.exit_code == 3
    assert f"HTTP {status}" in result.stderr
    assert words in result.stderr
    assert TOKEN not in result.output


def test_the_api_may_be_down(
    api: Api, comment: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITHUB_API_URL", "http://127.0.0.1:9")
    result = comment()
    assert result.exit_code == 3
    assert "the API cannot be reached" in result.stderr


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("GITHUB_TOKEN", "", "GITHUB_TOKEN is not set"),
        ("GITHUB_EVENT_PATH", "", "GITHUB_EVENT_PATH is not set"),
        ("GITHUB_EVENT_PATH", "/nowhere.json", "the job's event cannot be read"),
        ("GITHUB_API_URL", "http://evil.invalid", "not an https address"),
    ],
)
def test_a_job_that_says_too_little_is_told_what_it_lacks(
    comment: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, name: str, value: str, words: str
) -> None:
    monkeypatch.setenv(name, value)
    result = comment()
    assert result.exit_code == 2
    assert words in result.stderr


def test_a_text_too_long_is_refused_before_it_is_sent() -> None:
    pull_request = PullRequest("http://127.0.0.1:9", "octo/repo", 7, TOKEN)
    with pytest.raises(InputError, match=r"65,537 characters is longer than the 65,536"):
        pull_request.put_comment("x" * 65_537, MARKER)
    assert TOKEN not in repr(pull_request)
