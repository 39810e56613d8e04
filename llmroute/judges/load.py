"""Rubric files → Rubric, its templates checked as far as they can be without a call."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from llmroute.config.faults import together, validate
from llmroute.config.yaml_source import read_yaml
from llmroute.errors import JudgeError, UnknownName
from llmroute.judges.probe import check_templates
from llmroute.records import Criterion, Level, Rubric
from llmroute.resources import shipped

if TYPE_CHECKING:
    from collections.abc import Mapping

    from llmroute.config.yaml_source import Document
    from llmroute.judges.schema import CriterionEntry, RubricFile

FOLDER = "judges"
SUFFIXES = (".yaml", ".yml")


def load_rubric(name: str, *, root: Path | None = None) -> Rubric:
    """The rubric of that name: the project's own, a file, or one that ships.

    Args:
        name: as a suite or the configuration writes it: a name, or a path from `root`.
        root: the project's folder, whose `judges/` goes before what ships.

    Raises:
        UnknownName: there is none; the message proposes the closest.
        JudgeError: its file is not usable, with file, line and column.
    """
    if name.endswith(SUFFIXES) or "/" in name:
        return read_rubric((root or Path()) / name)
    known = find_rubrics(root)
    if name not in known:
        raise UnknownName("rubric", name, known)
    return read_rubric(known[name])


def find_rubrics(root: Path | None = None) -> Mapping[str, Path]:
    """Name → file of every rubric that needs no path, sorted by name."""
    folders = [shipped(FOLDER), *([root / FOLDER] if root else [])]
    files = {
        path.stem: path
        for folder in folders
        if folder.is_dir()
        for path in folder.iterdir()
        if path.suffix in SUFFIXES and path.is_file()
    }
    return dict(sorted(files.items()))


def read_rubric(path: Path) -> Rubric:
    """The rubric of one file.

    Raises:
        JudgeError: the file is not usable, with line and column.
    """
    from llmroute.judges.schema import RubricFile

    document = read_yaml(path, JudgeError)
    file = validate(RubricFile, document)
    if file.name != path.stem:
        what = f"the rubric is called {file.name!r}, its file {path.stem!r}"
        raise document.fault(("name",), what, "Scores are kept by the name: give both the same.")
    rubric = _rubric(file, path)
    _check(rubric, document)
    return rubric


def _rubric(file: RubricFile, path: Path) -> Rubric:
    return Rubric(
        name=file.name,
        description=file.description,
        criteria=tuple(_criterion(entry) for entry in file.criteria),
        system=file.system,
        prompt=file.prompt,
        uses_target=file.uses_target,
        pairwise_prompt=file.pairwise_prompt,
        max_words=file.max_words,
        fields=tuple(file.fields),
        short_answers_allowed=file.short_answers_allowed,
        path=path,
    )


def _criterion(entry: CriterionEntry) -> Criterion:
    levels = tuple(Level(level.label, level.value, level.anchor) for level in entry.levels)
    return Criterion(entry.name, entry.question, levels, entry.weight)


def _check(rubric: Rubric, document: Document) -> None:
    found = dict.fromkeys(check_templates(rubric))
    if found:
        raise together([document.fault((key,), what, fix) for key, what, fix in found])
