"""--charts on the commands that write a page."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Invoke = Callable[..., Any]


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_bench_and_report_write_the_same_figures_and_count_them(
    two_models: Any, llmroute: Invoke, folder: Path
) -> None:
    result = llmroute("bench", "--charts", "charts")
    assert result.exit_code == 0, result.stderr
    assert names(folder / "charts") == [
        "all-traffic.svg",
        "differences-colours.svg",
        "latency-colours.svg",
        "price-colours.svg",
        "savings-by-task.svg",
    ]
    assert "Wrote 5 figure files into charts\n" in result.stderr
    assert "figure" not in result.stdout
    again = llmroute("report", "--charts", "again/deeper")
    assert again.exit_code == 0, again.stderr
    for name in names(folder / "charts"):
        pair = [folder / place / name for place in ("charts", "again/deeper")]
        assert pair[0].read_bytes() == pair[1].read_bytes()


def test_history_draws_each_task_over_the_runs(
    two_models: Any, llmroute: Invoke, folder: Path
) -> None:
    llmroute("bench", "--limit", 20)
    lone = llmroute("report", "--history", 5, "--charts", "lone")
    assert lone.exit_code == 0, lone.stderr
    assert (
        "Not drawn, because fewer than two runs know it: quality-over-time-colours, "
        "cost-over-time-colours\n"
    ) in lone.stderr
    assert not (folder / "lone").exists()
    llmroute("bench")
    result = llmroute("report", "--history", 5, "--charts", "charts")
    assert result.exit_code == 0, result.stderr
    assert names(folder / "charts") == [
        "cost-over-time-colours.svg",
        "quality-over-time-colours.svg",
    ]


def test_png_stands_beside_svg(two_models: Any, llmroute: Invoke, folder: Path) -> None:
    pytest.importorskip("resvg_py", reason="the extra png is not installed")
    result = llmroute("bench", "--charts", "charts", "--png")
    assert result.exit_code == 0, result.stderr
    assert names(folder / "charts")[:2] == ["all-traffic.png", "all-traffic.svg"]


def test_what_cannot_be_written_is_said_before_a_model_is_asked(
    two_models: Any, llmroute: Invoke, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "file").write_text("")
    monkeypatch.setitem(sys.modules, "resvg_py", None)
    for options, said in (
        (["--png"], "--png: --png is a form of --charts"),
        (["--charts", "file"], "--charts: file is a file"),
        (["--charts", "charts", "--png"], "pip install 'llmroute[png]'"),
    ):
        for command in ("bench", "report", "calibrate"):
            result = llmroute(command, *options)
            assert result.exit_code == 2, (command, options)
            assert said in result.stderr
    assert not (folder / ".llmroute").exists()
    assert llmroute("calibrate", "--candidates", "a,b", "--charts", "x").exit_code == 2
