"""--charts: the figures of a page as files of their own."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from llmroute.report.figures import Figure, Missing

Charts = Annotated[
    Path | None,
    typer.Option(
        "--charts",
        metavar="FOLDER",
        help="Also each figure of the page as an SVG file of its own, in this folder.",
        show_default=False,
    ),
]
Png = Annotated[
    bool,
    typer.Option(
        "--png",
        help="With --charts: each figure as PNG too, at twice its size (extra: png).",
    ),
]


@dataclass(frozen=True, slots=True)
class ChartFolder:
    """Where the figures go, and in which forms."""

    folder: Path
    png: bool

    def write(self, figures: Iterable[Figure | Missing], templates: Path | None) -> None:
        """Write the figures; say how many there are, and which there are none of."""
        from llmroute.cli.console import say
        from llmroute.report.amounts import counted
        from llmroute.report.figure_files import write_figures
        from llmroute.report.figures import Figure, Missing

        figures = tuple(figures)
        drawn = [one for one in figures if isinstance(one, Figure)]
        missing = [one for one in figures if isinstance(one, Missing)]
        for why in dict.fromkeys(one.why for one in missing):
            names = ", ".join(one.name for one in missing if one.why == why)
            say(f"Not drawn, because {why}: {names}")
        written = write_figures(drawn, self.folder, template_dir=templates, png=self.png)
        if written:
            say(f"Wrote {counted(len(written), 'figure file')} into {self.folder}")


def read_charts(folder: Path | None, *, png: bool) -> ChartFolder | None:
    """What was asked for, checked before anything is computed; None: no files.

    Raises:
        InputError: the folder is a file, `--png` stands alone, or pictures cannot be made here.
    """
    from llmroute.errors import ConfigError
    from llmroute.report.figure_files import check_png

    if folder is None:
        if png:
            raise ConfigError(
                "--png is a form of --charts", where="--png", fix="Add --charts FOLDER."
            )
        return None
    if folder.exists() and not folder.is_dir():
        raise ConfigError(
            f"{folder} is a file", where="--charts", fix="Name a folder; it is made if missing."
        )
    if png:
        check_png()
    return ChartFolder(folder, png)
