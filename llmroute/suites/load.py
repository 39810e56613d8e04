"""Suite files → Suites, checked as far as they can be without a call."""

from __future__ import annotations

import glob
import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from llmroute.checks import CHECKS, build_check
from llmroute.config.faults import together, validate
from llmroute.config.source import neighbours
from llmroute.config.yaml_source import Document, KeyPath, read_yaml
from llmroute.errors import InputError, SuiteError, UnknownName, did_you_mean
from llmroute.records import Example, JudgeUse, Judging, Match, Plugin, Rubric, Suite
from llmroute.scores.score import build_scorer
from llmroute.suites.prompt import SUITE_NAMES, render_messages
from llmroute.suites.samples import (
    PlacedSample,
    check_ids,
    inline_samples,
    read_samples,
    samples_path,
)
from llmroute.suites.schema import PluginEntry, SuiteFile, SuiteJudgeEntry
from llmroute.templates import Template, compile_template

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

SUFFIXES = (".yaml", ".yml")
_TEMPLATE_SIGN = re.compile(r"\{\{\s*\w+[^{}]*\}\}|\{%.*?%\}", re.DOTALL)


def load_suites(
    paths: Iterable[Path], *, judge: Judging | None = None, root: Path | None = None
) -> tuple[Suite, ...]:
    """The suites of some files, in the order of the paths, names sorted within a pattern.

    Args:
        paths: suite files, folders of them, or glob patterns; a file met twice is read once.
        judge: the configuration's: grades suites with neither metric nor judge, and fills in what
            a suite's judge leaves out.
        root: the configuration's folder, below which samples files may lie as well, and rubrics
            under `judges/`.

    Raises:
        SuiteError: nothing matches, a file is not usable, or two suites share a name or task.
    """
    suites = tuple(load_suite(path, judge=judge, root=root) for path in find_suites(paths))
    _check_distinct(suites)
    return suites


def load_suite(path: Path, *, judge: Judging | None = None, root: Path | None = None) -> Suite:
    """The suite of one file; arguments and errors as for `load_suites`."""
    document = read_yaml(path, SuiteError)
    file = validate(SuiteFile, document)
    samples = _samples(file, document, path, root)
    suite = _suite(file, path, samples, _judge(file, document, judge or Judging(), root))
    _check_prompt(suite, document, samples)
    _check_scorer(suite, document, samples)
    _check_checks(suite, document)
    _check_judge(suite, samples)
    return suite


def find_suites(paths: Iterable[Path]) -> list[Path]:
    """The suite files that paths, folders and patterns stand for, each once.

    Raises:
        SuiteError: one of them stands for nothing; the message says what is there.
    """
    found: dict[Path, Path] = {}
    for path in paths:
        matches = _matches(path)
        if not matches:
            what = "no suite file is here" if path.is_dir() else "matches no suite file"
            fix = f"Write a suite (llmroute init makes a first one); {neighbours(path / 'x')}"
            raise SuiteError(what, where=str(path), fix=fix)
        for match in matches:
            found.setdefault(match.resolve(), match)
    return list(found.values())


def _matches(path: Path) -> list[Path]:
    if path.is_dir():
        return sorted(p for p in path.iterdir() if p.suffix in SUFFIXES and p.is_file())
    if path.exists() or not glob.has_magic(str(path)):
        return [path]  # a missing file is named by the reader
    matches = (Path(match) for match in glob.glob(str(path), recursive=True))  # noqa: PTH207 - a whole pattern
    return sorted(match for match in matches if match.is_file())


def _samples(
    file: SuiteFile, document: Document, path: Path, root: Path | None
) -> list[PlacedSample]:
    written = document.root.data()["samples"]
    if isinstance(written, str):
        samples = read_samples(samples_path(written, document, path.parent, root))
    else:
        samples = inline_samples(file.samples, document)
    if not samples:
        fix = "Add samples: 60 or more let a bench decide, 20 to 30 rarely do."
        raise document.fault(("samples",), "the suite has no samples", fix)
    check_ids(samples)
    return samples


def _suite(
    file: SuiteFile, path: Path, samples: Sequence[PlacedSample], judge: JudgeUse | None
) -> Suite:
    return Suite(
        name=file.name,
        task=file.task or file.name,
        samples=tuple(placed.sample for placed in samples),
        description=file.description,
        system=file.system,
        prompt=file.prompt,
        examples=tuple(Example(e.input, _answer_text(e.target)) for e in file.examples),
        labels=tuple(file.labels),
        metrics=tuple(_plugin(entry, entry.weight) for entry in file.metric),
        judge=judge,
        extract=tuple(_plugin(entry) for entry in file.extract),
        checks=tuple(_plugin(entry) for entry in file.checks),
        quality_threshold=file.quality_threshold,
        weight=file.weight,
        match=Match(
            tuple(file.match.tags),
            tuple(file.match.keywords),
            tuple(file.match.patterns),
            tuple(file.match.utterances),
            file.match.min_chars,
            file.match.max_chars,
            file.match.has_code,
            file.match.has_json,
        ),
        max_tokens=file.max_tokens,
        path=path,
    )


def _plugin(entry: PluginEntry, weight: float = 1.0) -> Plugin:
    return Plugin(entry.name, dict(entry.model_extra or {}), weight)


def _answer_text(target: Any) -> str:
    return target if isinstance(target, str) else json.dumps(target, ensure_ascii=False)


def _judge(
    file: SuiteFile, document: Document, default: Judging, root: Path | None
) -> JudgeUse | None:
    """Who grades, as the suite says it, and else the configuration."""
    if file.metric:
        return None
    own = file.judge or SuiteJudgeEntry()
    rubric = own.rubric or default.rubric
    if rubric is None:
        fix = "Add 'metric: exact' or another metric, or 'judge: {rubric: …}'."
        raise document.fault((), "the suite has neither a metric nor a judge", fix)
    return JudgeUse(
        rubric=_rubric(rubric, document, root, written=own.rubric is not None),
        judges=tuple(own.model) or tuple(judge.name for judge in default.models),
        params=own.params,
        panel=own.panel or default.panel,
        pairwise=own.pairwise or default.pairwise,
    )


def _rubric(name: str, document: Document, root: Path | None, *, written: bool) -> Rubric:
    from llmroute.judges.load import load_rubric

    try:
        return load_rubric(name, root=root)
    except UnknownName as cause:
        at = ("judge", "rubric") if written else ()
        raise document.fault(at, cause.what, cause.fix) from cause


# -- checks ---------------------------------------------------------------------------------------


def _check_prompt(suite: Suite, document: Document, samples: Sequence[PlacedSample]) -> None:
    """Nothing, where the prompt can be made of every sample."""
    template = _template(suite, document)
    _check_names(template, document, samples)
    if faults := list(_missing_fields(template, suite, samples)):
        raise together(faults)
    if suite.system and _TEMPLATE_SIGN.search(suite.system):
        fix = "Only 'prompt' is a template: move what is filled in there."
        raise document.fault(("system",), "the system message is sent as it stands", fix)
    for placed in samples if not template.simple else samples[:1]:
        try:
            render_messages(suite, placed.sample)
        except SuiteError as cause:
            raise SuiteError(cause.what, where=placed.place, fix=cause.fix) from cause
    if suite.system and any(_starts_with_system(placed) for placed in samples):
        fix = "Leave the suite's 'system' out, or take the message out of the samples."
        raise document.fault(("system",), "samples bring a system message of their own", fix)


def _template(suite: Suite, document: Document) -> Template:
    try:
        template = compile_template(suite.prompt, where=str(suite.path))
    except SuiteError as cause:
        raise document.fault(("prompt",), cause.what, cause.fix) from cause
    if not template.names - {"labels"}:
        fix = "Write {{ input }} where the sample's text belongs."
        raise document.fault(("prompt",), "the prompt reads nothing of the sample", fix)
    if "target" in template.names:
        fix = "Take it out of the prompt."
        raise document.fault(("prompt",), "the prompt would show the model the target", fix)
    return template


def _check_names(template: Template, document: Document, samples: Sequence[PlacedSample]) -> None:
    """Nothing, where each name the prompt reads is known to some sample: else it is a typo."""
    known = sorted(SUITE_NAMES.union(*(placed.sample.fields for placed in samples)))
    for name in sorted(template.names - template.optional):
        if name not in known:
            what = f"the prompt reads {name!r}, which no sample has"
            raise document.fault(("prompt",), what, did_you_mean(name, known, kind="name"))


def _missing_fields(
    template: Template, suite: Suite, samples: Sequence[PlacedSample]
) -> Iterator[InputError]:
    needed = template.names - template.optional - SUITE_NAMES
    for placed in samples:
        for name in sorted(needed - placed.sample.fields.keys()):
            known = sorted({*SUITE_NAMES, *placed.sample.fields})
            what = f"no field {name!r}, but the prompt reads it"
            fix = f"Add it to the sample, or correct the prompt in {suite.path}. "
            fix += did_you_mean(name, known, kind="name")
            yield SuiteError(what, where=placed.place, fix=fix)


def _starts_with_system(placed: PlacedSample) -> bool:
    turns = placed.sample.input
    return not isinstance(turns, str) and turns[0].role == "system"


def _check_scorer(suite: Suite, document: Document, samples: Sequence[PlacedSample]) -> None:
    """Nothing, where the suite's metrics and steps exist and can grade every sample."""
    if not suite.metrics:
        return
    try:
        build_scorer(suite)
    except InputError as cause:
        ending = (cause.where or "").rpartition(", sample ")[2]
        for placed in samples:
            if repr(placed.sample.id) == ending:
                raise SuiteError(cause.what, where=placed.place, fix=cause.fix) from cause
        raise _at_plugin(_scoring_plugin(suite, cause.what), cause, document) from cause


def _check_judge(suite: Suite, samples: Sequence[PlacedSample]) -> None:
    """Nothing, where every sample has what the rubric shows the judge."""
    if suite.judge is None:
        return
    rubric = suite.judge.rubric
    for placed in samples:
        lacks = [name for name in rubric.fields if name not in placed.sample.fields]
        if rubric.uses_target and placed.sample.target is None:
            lacks.insert(0, "target")
        if lacks:
            raise SuiteError(
                f"no {lacks[0]!r}, which the rubric {rubric.name!r} shows the judge",
                where=placed.place,
                fix="Add it to the sample, or grade by another rubric.",
            )


def _check_checks(suite: Suite, document: Document) -> None:
    """Nothing, where every check exists and takes its parameters."""
    for index, plugin in enumerate(suite.checks):
        try:
            build_check(CHECKS.labelled(plugin, suite.labels))
        except InputError as cause:
            raise _at_plugin(
                _place("checks", index, plugin, cause.what), cause, document
            ) from cause


def _at_plugin(at: KeyPath, cause: InputError, document: Document) -> InputError:
    fix = cause.fix or "Write its parameters beside its name: {name: …, parameter: …}."
    return document.fault(at, cause.what, fix)


def _scoring_plugin(suite: Suite, what: str) -> KeyPath:
    """Where the metric or step that a message speaks of is written."""
    for key, plugins in (("extract", suite.extract), ("metric", suite.metrics)):
        for index, plugin in enumerate(plugins):
            if repr(plugin.name) in what:
                return _place(key, index, plugin, what)
    return ("metric",)


def _place(key: str, index: int, plugin: Plugin, what: str) -> KeyPath:
    """Where a plugin is written, or the parameter of it that a message speaks of."""
    named = next((param for param in plugin.params if repr(param) in what), None)
    return (key, index) if named is None else (key, index, named)


def _check_distinct(suites: Sequence[Suite]) -> None:
    for kind in ("name", "task"):
        first: dict[str, Suite] = {}
        for suite in suites:
            value = getattr(suite, kind)
            other = first.setdefault(value, suite)
            if other is not suite:
                what = f"the {kind} {value!r} is also that of {other.path}"
                fix = f"Give one of them another {kind}; results and routes are kept by it."
                raise SuiteError(what, where=str(suite.path), fix=fix)
