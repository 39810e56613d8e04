"""What one run was: everything, beside the answers, that its map is made from."""

from __future__ import annotations

import dataclasses
import json
import platform
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version
from typing import Any, Literal
from urllib.parse import unquote, urlsplit, urlunsplit

from llmroute.digest import digest
from llmroute.errors import StoreError
from llmroute.records import Candidate, Limits, Price

RunState = Literal["running", "finished", "interrupted", "budget_spent", "failed"]
"""A run that is "running" in the store while nobody holds its lock was killed."""

_OTHER_VERSION = "It was written by another version of llmroute: upgrade, or run the bench again."


@dataclass(frozen=True, slots=True)
class RunManifest:
    """One executed plan: configuration, suites, candidates, versions and prices.

    With the suites and answers of the store it gives the run's calls, scores and map again.
    """

    run_id: str
    started: str
    """UTC, ISO 8601."""
    state: RunState = "running"
    finished: str | None = None
    """UTC, ISO 8601; None while it runs, and for good where it was killed."""
    config: Mapping[str, Any] = field(default_factory=dict)
    """The configuration as plain JSON, without secrets."""
    suites: Mapping[str, str] = field(default_factory=dict)
    """Suite name → content hash, in the order of the bench."""
    candidates: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """Candidate name → `candidate_to_json`, in the order of the bench."""
    endpoints: Mapping[str, str] = field(default_factory=dict)
    """Candidate name → identity of what answered: with it the plan's keys can be made again."""
    versions: Mapping[str, str] = field(default_factory=dict)
    prices: Mapping[str, Any] = field(default_factory=dict)
    """Price tables used: name → date, hash."""
    seed: int = 0
    repeats: int = 1
    strategy: str = "grid"
    floors: Mapping[str, float] = field(default_factory=dict)
    """Task → quality of the floor program."""
    judges: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """Judge's name beside candidates → `candidate_to_json`."""
    selection: Mapping[str, Any] = field(default_factory=dict)
    """What of the configuration was run: {"limit": 20, "suites": [...], "candidates": [...]}."""
    labels: Sequence[Mapping[str, Any]] = field(default_factory=list)
    """People's labels it was decided by."""

    @property
    def candidate_records(self) -> tuple[Candidate, ...]:
        """The run's candidates, without keys and recordings' folders."""
        return tuple(candidate_from_json(name, one) for name, one in self.candidates.items())

    @property
    def judge_records(self) -> tuple[Candidate, ...]:
        """The run's judges, likewise."""
        return tuple(candidate_from_json(name, one) for name, one in self.judges.items())

    def to_json(self) -> str:
        """The manifest as one line; the same manifest gives the same text."""
        return json.dumps(without_secrets(dataclasses.asdict(self)), separators=(",", ":"))

    @classmethod
    def from_json(cls, text: str) -> RunManifest:
        """The manifest that `to_json` wrote.

        Raises:
            StoreError: it is not one, or has fields this version does not know.
        """
        try:
            return cls(**json.loads(text))
        except (TypeError, ValueError) as error:
            raise StoreError(
                f"a run's manifest cannot be read: {error}",
                fix=_OTHER_VERSION,
            ) from error


def new_run_id(started: datetime, content: Any) -> str:
    """A run id that sorts by time; the hash keeps two runs of one second apart.

    >>> new_run_id(datetime(2026, 11, 22, 7, 45, 1, tzinfo=UTC), {"seed": 0})
    '20261122T074501-c2f3ee'
    """
    utc = started.astimezone(UTC)
    return f"{utc:%Y%m%dT%H%M%S}-{digest([utc.isoformat(), content])[:6]}"


def utc_text(moment: datetime) -> str:
    """A moment as manifests write it.

    >>> utc_text(datetime(2026, 11, 22, 7, 45, 1, 250000, tzinfo=UTC))
    '2026-11-22T07:45:01Z'
    """
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def installed_versions(
    packages: Iterable[str] = ("llmroute", "litellm", "numpy", "pandas", "rouge-score"),
) -> dict[str, str]:
    """Versions of Python and of the packages that are installed, read without importing any."""
    versions = {"python": platform.python_version()}
    for package in packages:
        try:
            versions[package] = version(package)
        except PackageNotFoundError:
            continue
    return versions


def candidate_to_json(candidate: Candidate) -> dict[str, Any]:
    """What the manifest keeps of a candidate: all but its name and its key.

    Of a recording only the file's name is kept: the answers themselves are in the store.
    """
    content = dataclasses.asdict(dataclasses.replace(candidate, api_key=None))
    del content["name"], content["api_key"]
    content["api_base"] = without_credentials(candidate.api_base)
    content["recording"] = candidate.recording.name if candidate.recording else None
    content["tags"] = list(candidate.tags)
    return dict(without_secrets(content))


def candidate_from_json(name: str, content: Mapping[str, Any]) -> Candidate:
    """The candidate that `candidate_to_json` was given, without its key and recording.

    Raises:
        StoreError: the content is another version's.
    """
    price, limits = content.get("price"), content.get("limits")
    parts = {
        "price": Price(**price) if price else None,
        "limits": Limits(**limits) if limits else Limits(),
        "tags": tuple(content.get("tags", ())),
        "recording": None,
    }
    try:
        return Candidate(name=name, **{**content, **parts})
    except TypeError as error:
        raise StoreError(
            f"candidate {name!r} of a stored run cannot be read: {error}",
            fix=_OTHER_VERSION,
        ) from error


_SECRET_NAMES = frozenset({"authorization", "proxy_authorization", "password", "secret", "token"})
_SECRET_ENDINGS = (
    "api_key",
    "apikey",
    "_password",
    "_secret",
    "_token",
    "access_key",
    "_credentials",
)


_HEADERS = frozenset({"headers", "extra_headers", "default_headers"})
_QUERIES = frozenset({"extra_query", "default_query"})
_PLAIN_HEADERS = frozenset(
    {
        "accept",
        "anthropic_beta",
        "anthropic_version",
        "content_type",
        "http_referer",
        "openai_beta",
        "openai_organization",
        "openai_project",
        "referer",
        "user_agent",
        "x_title",
    }
)
"""Headers that change or name what is asked; any other may carry a key under a name of its own."""


def without_secrets(value: Any) -> Any:
    """The JSON value with every entry gone that is a key, token or password by its name or place.

    >>> without_secrets({"max_tokens": 5, "headers": {"X-Api-Key": "k", "Accept": "*/*"}})
    {'max_tokens': 5, 'headers': {'Accept': '*/*'}}
    """
    return _sifted(value, [], _is_secret)


def secrets_of(candidate: Candidate) -> frozenset[str]:
    """What a candidate's settings hold that must not be repeated: its key, passwords, headers.

    >>> sorted(secrets_of(Candidate("a", "m", {"headers": {"X-Team": "t0k"}}, api_key="k3y")))
    ['k3y', 't0k']
    """
    taken: list[Any] = [candidate.api_key]
    _sifted(dict(candidate.params), taken, _is_secret)
    parts = urlsplit(candidate.api_base or "")
    taken += [parts.password, unquote(parts.password or "")]
    for pair in parts.query.split("&"):
        name, _, secret = pair.partition("=")
        taken += [secret, unquote(secret)] if _is_secret_query(name) else []
    return frozenset(text for value in taken for text in _texts(value) if text)


def _sifted(value: Any, taken: list[Any], is_secret: Callable[[str], bool]) -> Any:
    """The value without its secret entries, which are added to `taken`."""
    if isinstance(value, Mapping):
        kept = {}
        for name, item in value.items():
            if is_secret(str(name)):
                taken.append(item)
            else:
                kept[name] = _sifted(item, taken, _RULES.get(_plain(str(name)), _is_secret))
        return kept
    if isinstance(value, tuple | list):
        return [_sifted(item, taken, is_secret) for item in value]
    return value


def _texts(value: Any) -> Iterator[str]:
    """The texts in a value; of a header such as "Bearer abc" the key alone too."""
    if isinstance(value, str):
        yield from (value, value.rpartition(" ")[2])
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from _texts(item)
    elif isinstance(value, tuple | list):
        for item in value:
            yield from _texts(item)


def _is_secret(name: str) -> bool:
    plain = _plain(name)
    return plain in _SECRET_NAMES or plain.endswith(_SECRET_ENDINGS)


def _is_secret_header(name: str) -> bool:
    return _plain(name) not in _PLAIN_HEADERS


def _is_secret_query(name: str) -> bool:
    return name.casefold() in {"key", "code", "sig"} or _is_secret(name)


def _plain(name: str) -> str:
    return name.casefold().replace("-", "_")


_RULES: Mapping[str, Callable[[str], bool]] = {
    **dict.fromkeys(_HEADERS, _is_secret_header),
    **dict.fromkeys(_QUERIES, _is_secret_query),
}
"""Entry → which names under it are secret."""


@lru_cache(maxsize=1024)  # asked for every call of a plan
def without_credentials(url: str | None) -> str | None:
    """The address without user, password and those query values that are keys.

    >>> without_credentials("https://me:pw@models.example/v1?api-version=2&key=s3cret")
    'https://models.example/v1?api-version=2'
    """
    if url is None:
        return None
    parts = urlsplit(url)
    query = "&".join(
        pair for pair in parts.query.split("&") if not _is_secret_query(pair.partition("=")[0])
    )
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2], query=query))
