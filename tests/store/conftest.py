from __future__ import annotations

import os
import shutil
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import pytest

from llmroute.digest import digest
from llmroute.records import Call, Candidate, Message

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager


class MakeCall(Protocol):
    def __call__(self, name: str, prompt: str = "hello", model: str = "openai/m") -> Call: ...


@pytest.fixture(scope="session")
def make_call() -> MakeCall:
    def make(name: str, prompt: str = "hello", model: str = "openai/m") -> Call:
        messages = (Message("user", prompt),)
        return Call(
            key=digest(["call", name]),
            suite="s",
            task="t",
            sample_id=name,
            candidate=Candidate("m", model),
            messages=messages,
            messages_digest=digest(messages),
            params={},
        )

    return make


@pytest.fixture
def store_path(tmp_path: Path) -> Path:
    return tmp_path / "store.db"


@pytest.fixture
def unprivileged() -> Callable[[], AbstractContextManager[None]]:
    """Root may write anywhere: the block runs as somebody who may not."""

    @contextmanager
    def as_nobody() -> Iterator[None]:
        if os.geteuid() != 0:
            yield
            return
        os.seteuid(65534)
        try:
            yield
        finally:
            os.seteuid(0)

    return as_nobody


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that other users may enter, unlike tmp_path."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)
