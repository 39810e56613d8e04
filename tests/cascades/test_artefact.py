"""A saved cascade keeps to the guarantees of a saved router; see tests/routers/test_artefact.py."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from llmroute.artefact import training_fingerprint
from llmroute.calibration.pair import Pair
from llmroute.cascades.answer_scorer import AnswerScorer
from llmroute.cascades.artefact import SavedCascade, read_cascade, save_cascade
from llmroute.digest import digest
from llmroute.errors import InputError
from llmroute.records import Plugin
from llmroute.routers.artefact import read_router
from llmroute.routers.novelty import Novelty


@pytest.fixture
def saved(tmp_path: Path, sums_pair: Callable[..., Pair]) -> Path:
    pair = sums_pair(60)
    named = {"sums": (Plugin("length", {"max_words": 60}),)}
    scorer = AnswerScorer(checks=("arithmetic",), task_checks=named, n_trees=5).fit(pair)
    novelty = Novelty.learn([query.text for query in pair.queries])
    whole = SavedCascade(scorer, "w", "s", 0.6, novelty, training_fingerprint(pair, answers=True))
    save_cascade(tmp_path / "cascade.json", whole)
    return tmp_path / "cascade.json"


def resign(path: Path, **changes: object) -> None:
    content = json.loads(path.read_text())
    del content["digest"]
    content |= changes
    path.write_text(json.dumps(content | {"digest": digest(content)}))


def test_equal_cascades_are_saved_as_equal_bytes(saved: Path, tmp_path: Path) -> None:
    again = tmp_path / "again" / "cascade.json"
    save_cascade(again, read_cascade(saved))
    assert again.read_bytes() == saved.read_bytes()
    assert again.with_suffix(".npz").read_bytes() == saved.with_suffix(".npz").read_bytes()


def test_training_is_told_by_its_answers_too(sums_pair: Callable[..., Pair]) -> None:
    pair = sums_pair(10)
    with_answers = training_fingerprint(pair, answers=True)
    assert with_answers["n"] == 10
    assert with_answers["sha256"] != training_fingerprint(pair)["sha256"]


def test_an_edited_cascade_is_refused(saved: Path) -> None:
    saved.write_text(
        saved.read_text().replace('"routing_threshold": 0.6', '"routing_threshold": 1')
    )
    with pytest.raises(InputError, match="the saved cascade is refused: its content"):
        read_cascade(saved)


def test_poisoned_arrays_are_refused_before_numpy_reads_them(
    saved: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    arrays = saved.with_suffix(".npz")
    raw = bytearray(arrays.read_bytes())
    raw[len(raw) // 2] ^= 1
    arrays.write_bytes(raw)
    monkeypatch.setattr("numpy.lib.format.read_magic", lambda _: pytest.fail("numpy read it"))
    monkeypatch.setattr("zipfile.ZipFile", lambda *_: pytest.fail("it was unpacked"))
    with pytest.raises(InputError, match="not the file it was saved with"):
        read_cascade(saved)


def test_a_cascade_is_not_read_as_a_router(saved: Path) -> None:
    with pytest.raises(InputError, match="it is no router"):
        read_router(saved)


def test_an_unknown_escalator_or_check_is_refused_by_name(saved: Path) -> None:
    resign(saved, cascade="bert")
    with pytest.raises(InputError, match="unknown escalator 'bert'"):
        read_cascade(saved)
    values = json.loads(saved.read_text())["values"]
    resign(saved, cascade="answer_scorer", values=values | {"checks": ["os.system"]})
    with pytest.raises(InputError, match=r"unknown check 'os\.system'"):
        read_cascade(saved)


@pytest.mark.parametrize("values", [{}, [], {"checks": 3}, None])
def test_values_that_are_no_cascade_are_refused(saved: Path, values: object) -> None:
    resign(saved, values=values)
    with pytest.raises(InputError, match="the saved cascade is refused"):
        read_cascade(saved)
