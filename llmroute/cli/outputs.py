"""Result → the files and the text a command leaves behind."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from llmroute.cli.charts import ChartFolder
from llmroute.cli.reading import MAP_FILE
from llmroute.deciding import Background, Result
from llmroute.errors import ConfigError
from llmroute.files import atomic_write
from llmroute.records import Config
from llmroute.report.bench.view import ReportView, build_view
from llmroute.routing_map.file import map_to_json, map_to_yaml

REPORT_FILE = "report.html"
OUTCOMES_FILE = "outcomes.jsonl"


class Artefacts:
    """What can be written of one result; each form is made when it is first asked for."""

    def __init__(
        self,
        result: Result,
        templates: Path | None = None,
        background: Callable[[], Background] = Background,
    ) -> None:
        """What is to be written.

        Args:
            result: decided.
            templates: a project's own `reports/`.
            background: looks up what is known beside the result; asked once, for a report form.
        """
        self._result = result
        self._templates = templates
        self._background = background
        self._view: ReportView | None = None

    @property
    def view(self) -> ReportView:
        """What every report form shows."""
        if self._view is None:
            from llmroute.analysis.differences import measure_differences
            from llmroute.analysis.stability import measure_stability

            result = self._result
            made_from = (result.outcomes, result.comparison, result.routing_map)
            self._view = build_view(
                result.comparison,
                result.routing_map,
                result.outcomes,
                map_yaml=map_to_yaml(result.routing_map),
                stability=measure_stability(*made_from),
                prices=result.prices,
                differences=measure_differences(result.outcomes, result.comparison),
                background=self._background(),
            )
        return self._view

    def write_all(self, folder: Path) -> list[Path]:
        """The map, the report and the outcomes in `folder`; the paths written."""
        paths = [folder / MAP_FILE, folder / REPORT_FILE, folder / OUTCOMES_FILE]
        for path in paths:
            self.write(path)
        return paths

    def write(self, path: Path) -> None:
        """One file, its form by its suffix.

        Raises:
            ConfigError: no form has this suffix.
            OutsideError: the file cannot be written.
        """
        check_suffix(path)
        if path.name.endswith((".jsonl", ".jsonl.gz")):
            from llmroute.outcomes.files import write_outcomes

            write_outcomes(path, self._result.outcomes)
            return
        form = next(suffix for suffix in self._forms() if path.name.endswith(suffix))
        atomic_write(path, self._forms()[form]())

    def write_charts(self, charts: ChartFolder | None) -> None:
        """The figures of the report as files, where they are asked for."""
        if charts is None:
            return
        from llmroute.report.bench.html import report_figures

        charts.write(report_figures(self.view), self._templates)

    def _forms(self) -> dict[str, Callable[[], str]]:
        from llmroute.report.bench.html import render_html
        from llmroute.report.bench.junit import render_junit
        from llmroute.report.bench.markdown import render_markdown
        from llmroute.report.bench.table import render_csv
        from llmroute.report.gate.view import variables

        routing_map = self._result.routing_map
        return {
            ".md": lambda: render_markdown(self.view),
            ".csv": lambda: render_csv(self.view),
            ".json": lambda: map_to_json(routing_map),
            ".junit.xml": lambda: render_junit(self.view),
            ".html": lambda: render_html(self.view, self._templates),
            ".yaml": lambda: map_to_yaml(routing_map),
            ".yml": lambda: map_to_yaml(routing_map),
            ".env": lambda: variables(self._facts()),
        }

    def _facts(self) -> Iterator[tuple[str, str]]:
        """The run in numbers, for CI systems to pass from step to step; unknown ones are empty."""
        result, savings = self._result, self._result.routing_map.savings
        yield "spent_usd", f"{result.spent_usd:.6f}"
        yield "calls", str(result.n_planned)
        yield "unanswered", str(result.n_failed)
        for name in ("reference_usd_per_1k", "routed_usd_per_1k"):
            usd = getattr(savings, name)
            yield name, "" if usd is None else f"{usd:.6g}"


def last_map(config: Config) -> Path:
    """The map the last bench left.

    Raises:
        ConfigError: there is none.
    """
    path = config.out / MAP_FILE
    if not path.exists():
        raise ConfigError(
            "there is no map here yet",
            where=str(path),
            fix="Run `llmroute bench` first, or name the map's file.",
        )
    return path


SUFFIXES = (
    ".md", ".csv", ".json", ".junit.xml", ".html", ".yaml", ".yml", ".env", ".jsonl", ".jsonl.gz",
)  # fmt: skip


def check_suffix(path: Path) -> None:
    """Nothing, where a form has the path's suffix; asked before a bench, not after it.

    Raises:
        ConfigError: none has.
    """
    if not path.name.endswith(SUFFIXES):
        raise ConfigError(
            f"no report form has the suffix of {path.name!r}",
            where="--output",
            fix=f"Use one of {', '.join(SUFFIXES)}.",
        )


def check_suffixes(paths: Sequence[Path]) -> None:
    """`check_suffix` for each path."""
    for path in paths:
        check_suffix(path)
