"""Finds llmroute.yaml, reads it, fills in environment values: file → Config."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from typing import TYPE_CHECKING

from llmroute.calls.limits import limited_names
from llmroute.config.environment import fill_environment, variable_in
from llmroute.config.faults import together, validate
from llmroute.config.schema import (
    CandidateEntry,
    ConfigFile,
    GateEntry,
    LimitsEntry,
    PriceEntry,
    RuleEntry,
)
from llmroute.config.yaml_source import Document, read_yaml
from llmroute.errors import ConfigError, InputError, did_you_mean
from llmroute.records import (
    Budget,
    Candidate,
    Config,
    Gate,
    Judging,
    Limits,
    Price,
    QualityRule,
    RuleSetting,
    TaskLimits,
)
from llmroute.resources import shipped

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

FILE_NAME = "llmroute.yaml"


def find_config(start: Path) -> Path | None:
    """The closest llmroute.yaml in `start` or a folder above it, or None.

    A relative `start` gives a relative path, which keeps messages short.
    """
    folder = start
    for _ in range(len(start.resolve().parts)):
        if (folder / FILE_NAME).is_file():
            return folder / FILE_NAME
        climbs = not folder.is_absolute() and folder.name in ("", "..")
        folder = folder / ".." if climbs else folder.parent
    return None


def load_config(path: Path, env: Mapping[str, str]) -> Config:
    """The configuration a file states.

    Args:
        path: the file; what it names is found from its folder.
        env: the environment that `${NAME}` is filled from.

    Raises:
        ConfigError: the file cannot be read or says something that cannot be meant; up to ten
            faults at once, each with file, line, column and fix.
    """
    document = read_yaml(path, ConfigError)
    file = validate(ConfigFile, document, fill_environment(document, env))
    config = _with_key_variables(_config(file, path), document)
    faults = [
        *_name_faults(file, document),
        *_reference_faults(file, document),
        *_provider_faults(config, document),
    ]
    if faults:
        raise together(faults)
    return config


def default_config() -> Config:
    """The configuration without a file: the shipped suites on the programs of this process."""
    return Config(
        suites=(shipped("suites"),),
        candidates=tuple(Candidate(name, name) for name in ("builtin/rules", "builtin/tfidf")),
    )


def check_tasks(config: Config, tasks: Iterable[str]) -> None:
    """Nothing, where every task the configuration speaks of has a suite.

    Raises:
        ConfigError: a task under `tasks:` has none, with its line and the closest name.
    """
    known = sorted(tasks)
    named = dict.fromkeys((*config.task_limits, *config.task_thresholds))
    unknown = [task for task in named if task not in known]
    if not unknown or config.path is None:
        return
    document = read_yaml(config.path, ConfigError)
    raise together(
        [
            document.fault(
                ("tasks", task),
                f"no suite has the task {task!r}",
                did_you_mean(task, known, kind="task"),
                of_key=True,
            )
            for task in unknown
        ]
    )


def _config(file: ConfigFile, path: Path) -> Config:
    folder = path.parent
    quality = file.quality
    return Config(
        suites=tuple(folder / pattern for pattern in file.suites),
        candidates=tuple(_candidate(entry, file, folder) for entry in file.candidates),
        reference=file.reference,
        quality=QualityRule(
            quality.threshold,
            quality.evidence,
            quality.confidence,
            quality.margin,
            quality.min_coverage,
            quality.min_labels,
        ),
        judge=_judging(file, folder),
        budget=Budget(file.budget.max_usd, file.budget.confirm_usd),
        repeats=file.repeats,
        seed=file.seed,
        recogniser_embedding=file.recogniser.embedding,
        concurrency=file.concurrency,
        provider_limits={
            name: Limits(entry.rpm, entry.tpm, entry.concurrency)
            for name, entry in file.providers.items()
        },
        task_limits={
            task: TaskLimits(
                entry.max_latency_p95_s, entry.max_cost_usd_per_1k, tuple(entry.exclude)
            )
            for task, entry in file.tasks.items()
        },
        task_thresholds={
            task: entry.quality_threshold
            for task, entry in file.tasks.items()
            if entry.quality_threshold is not None
        },
        gate=_gate(file.gate),
        volume=file.volume,
        store=folder / file.store,
        out=folder / file.out,
        path=path,
    )


def _with_key_variables(config: Config, document: Document) -> Config:
    """The configuration with the name of the variable each candidate's key was read from."""
    written = document.root.data()["candidates"]
    named = [variable_in(w.get("api_key")) if isinstance(w, dict) else None for w in written]
    pairs = zip(config.candidates, named, strict=True)
    return replace(config, candidates=tuple(replace(c, api_key_variable=name) for c, name in pairs))


def _gate(entry: GateEntry) -> Gate:
    written = {name: rule for name, rule in entry if isinstance(rule, RuleEntry)}
    age = entry.evidence_age
    return Gate(
        rules={
            name: RuleSetting(rule.level, getattr(rule, "tolerance", None))
            for name, rule in written.items()
        },
        max_age_days=None if age is None else age.max_age,
        confidence=entry.confidence,
    )


def _judging(file: ConfigFile, folder: Path) -> Judging:
    entry = file.judge
    return Judging(
        models=tuple(
            _candidate(one.model_copy(update={"params": entry.params | one.params}), file, folder)
            for one in entry.judges
        ),
        rubric=entry.rubric,
        panel=entry.panel,
        pairwise=entry.pairwise,
        allow_self_judging=entry.allow_self_judging,
        labels=tuple(folder / name for name in entry.labels),
    )


def _candidate(entry: CandidateEntry, file: ConfigFile, folder: Path) -> Candidate:
    return Candidate(
        name=entry.name or entry.model,
        model=entry.model,
        params=entry.params,
        price=_price(entry.price),
        limits=_limits(file.limits, entry.limits),
        api_base=entry.api_base,
        api_key=entry.api_key,
        adapter=entry.adapter,
        recording=folder / entry.recording if entry.recording else None,
        tags=tuple(entry.tags),
    )


def _price(entry: PriceEntry | None) -> Price | None:
    return Price(**entry.model_dump()) if entry else None


def _limits(defaults: LimitsEntry, own: LimitsEntry | None) -> Limits:
    stated = defaults.model_dump(exclude_none=True)
    if own is not None:
        stated |= own.model_dump(exclude_none=True)
    return Limits(**stated)


def _name_faults(file: ConfigFile, document: Document) -> list[InputError]:
    """A fault for every second use of a candidate's name."""
    places = defaultdict(list)
    for index, entry in enumerate(file.candidates):
        places[entry.name or entry.model].append(index)
    faults = []
    for first, *others in places.values():
        line = document.place(("candidates", first)).line
        for index in others:
            what = f"two candidates are called {_written_name(document, index)!r}"
            fix = f"Give one of them a name: 'name: …'; the first is on line {line}."
            faults.append(document.fault(("candidates", index), what, fix))
    return faults


def _reference_faults(file: ConfigFile, document: Document) -> list[InputError]:
    """A fault for every candidate that is spoken of and not listed."""
    known = {entry.name or entry.model for entry in file.candidates}
    spoken: list[tuple[tuple[str | int, ...], str]] = []
    if file.reference is not None:
        spoken.append((("reference",), file.reference))
    for task, entry in file.tasks.items():
        spoken += [(("tasks", task, "exclude", i), name) for i, name in enumerate(entry.exclude)]
    shown = sorted({_written_name(document, i) for i in range(len(file.candidates))})
    return [
        document.fault(
            path,
            f"{document.written(path)!r} is not a candidate",
            did_you_mean(document.written(path), shown, kind="candidate"),
        )
        for path, name in spoken
        if name not in known
    ]


def _provider_faults(config: Config, document: Document) -> list[InputError]:
    """A fault for every limit of a provider or host that no candidate is called at."""
    called = (*config.candidates, *config.judge.models)
    used = {name for candidate in called for name in limited_names(candidate)}
    shown = {candidate.provider for candidate in called} - {""}
    return [
        document.fault(
            ("providers", name),
            f"no candidate is called at {name!r}",
            did_you_mean(name, sorted(shown), kind="provider"),
            of_key=True,
        )
        for name in config.provider_limits
        if name not in used
    ]


def _written_name(document: Document, index: int) -> str:
    """A candidate's name as it stands in the file: values from the environment stay unsaid."""
    node = document.find(("candidates", index))
    named = node.child("name") or node.child("model") or node
    return named.written or ""
