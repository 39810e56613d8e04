"""Markdown → the one comment this job keeps on its pull request, replaced run by run.

Only the job's own variables are read (`GITHUB_*`, set by the runner) and one host is spoken to, the
API they name. Nothing of the kind is done unless `llmroute ci comment` is run.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from http.client import HTTPException
from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.request import HTTPRedirectHandler, Request, build_opener

from llmroute.errors import InputError, OutsideError

MAX_CHARS = 65_536
"""Longer comments are refused by the API."""
MOST_PAGES = 30
TIMEOUT_S = 20.0


@dataclass(frozen=True, slots=True)
class PullRequest:
    """The pull request a job runs for, and the right to write to it."""

    api_url: str
    repository: str
    """OWNER/NAME."""
    number: int
    token: str = field(repr=False)

    @classmethod
    def of_job(cls, env: Mapping[str, str]) -> PullRequest | None:
        """The pull request of the job these variables are of; None: the job is for none.

        Raises:
            InputError: the variables do not say enough, or there is no token.
        """
        event = _event(env)
        number = (event.get("pull_request") or {}).get("number")
        if number is None:
            return None
        return cls(
            api_url=env.get("GITHUB_API_URL", "https://api.github.com").rstrip("/"),
            repository=_needed(env, "GITHUB_REPOSITORY"),
            number=int(number),
            token=_needed(env, "GITHUB_TOKEN"),
        )

    def put_comment(self, body: str, marker: str) -> str:
        """Write the comment, or replace the one that begins with the marker; its address.

        Only a bot's comment is replaced: anyone may write one that begins with the marker, and
        would stay its author.

        Raises:
            InputError: the text is longer than a comment may be.
            OutsideError: the API refuses, or can't be reached.
        """
        if len(body) > MAX_CHARS:
            raise InputError(
                f"a comment of {len(body):,} characters is longer than the {MAX_CHARS:,} allowed",
                fix="Write it shorter: llmroute check -o check.md --max-bytes 60000",
            )
        path = f"issues/{self.number}/comments"
        for comment in self._comments(path):
            written_by_bot = (comment.get("user") or {}).get("type") == "Bot"
            if written_by_bot and str(comment.get("body", "")).startswith(marker):
                path = f"issues/comments/{comment['id']}"
                return str(self._send("PATCH", path, {"body": body}).get("html_url", ""))
        return str(self._send("POST", path, {"body": body}).get("html_url", ""))

    def _comments(self, path: str) -> Iterator[dict[str, Any]]:
        for page in range(1, MOST_PAGES + 1):
            found = self._send("GET", f"{path}?per_page=100&page={page}")
            yield from found
            if len(found) < 100:
                return

    def _send(self, method: str, path: str, content: Any = None) -> Any:
        url = f"{self.api_url}/repos/{self.repository}/{path}"
        if not url.startswith(("https://", "http://127.0.0.1:", "http://localhost:")):
            raise InputError(
                "the API's address is not an https address",
                where="GITHUB_API_URL",
                fix="The runner sets it; do not change it.",
            )
        request = Request(  # noqa: S310 - the scheme is checked above
            url,
            data=None if content is None else json.dumps(content).encode(),
            method=method,
            headers={
                "Accept": "application/vnd.github+json",
                "Authorization": f"Bearer {self.token}",
                "Content-Type": "application/json",
                "User-Agent": "llmroute",
                "X-GitHub-Api-Version": "2022-11-28",
            },
        )
        try:
            with _OPENER.open(request, timeout=TIMEOUT_S) as answer:
                return json.load(answer)
        except HTTPError as error:
            raise _refused(error.code, self.repository) from error
        except (URLError, HTTPException, OSError, ValueError) as error:
            raise OutsideError(
                f"the API cannot be reached: {getattr(error, 'reason', error)}",
                where=self.api_url,
                fix="Run the job again; the job summary says what the comment would have said.",
            ) from error


class _NoRedirect(HTTPRedirectHandler):
    """A redirect is a refusal: the token must not be sent to another host."""

    def redirect_request(self, *_args: Any, **_kwargs: Any) -> None:
        return None


_OPENER = build_opener(_NoRedirect)


def _refused(status: int, repository: str) -> OutsideError:
    fixes = {
        401: "Pass the job's token: GITHUB_TOKEN.",
        403: "Give the job 'permissions: pull-requests: write'. A pull request from a fork has a "
        "token that may only read: there, the job summary says what the comment would have said.",
        404: "Give the job 'permissions: pull-requests: write', and a token of this repository.",
    }
    fix = fixes.get(status, "Run the job again later.")
    return OutsideError(f"the API refuses the comment: HTTP {status}", where=repository, fix=fix)


def _event(env: Mapping[str, str]) -> dict[str, Any]:
    path = Path(_needed(env, "GITHUB_EVENT_PATH"))
    try:
        event = json.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        raise InputError(
            f"the job's event cannot be read: {error}", where=str(path), fix="The runner writes it."
        ) from error
    return event if isinstance(event, dict) else {}


def _needed(env: Mapping[str, str], name: str) -> str:
    value = env.get(name)
    if not value:
        raise InputError(
            f"the variable {name} is not set",
            fix="A GitHub Actions job sets it, but for GITHUB_TOKEN, which the step passes: "
            "env: {GITHUB_TOKEN: ${{ github.token }}}",
        )
    return value
