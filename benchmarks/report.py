"""How large the bench report gets, how long it takes to make, and to be usable in Chromium.

    python benchmarks/report.py    # 8 tasks x 10 candidates x 100 samples, and 100,000 answers

Times are of this machine, and as busy as it is; sizes are the same everywhere.
"""

from __future__ import annotations

import random
import shutil
import tempfile
import time
from pathlib import Path

from llmroute.analysis.compare import compare
from llmroute.analysis.differences import measure_differences
from llmroute.analysis.stability import measure_stability
from llmroute.records import Outcome, Outcomes, Price, Prompt, QualityRule, Usage
from llmroute.report.bench.html import render_html
from llmroute.report.bench.view import build_view
from llmroute.routing_map.choose import choose_routes

WORDS = ("the", "invoice", "of", "a", "customer", "who", "asks", "about", "delivery", "refund")


def main() -> None:
    print(
        "tasks x candidates x samples  answers   view s  render s     MB  samples shown  usable s"
    )
    for shape in ((8, 10, 100), (10, 10, 1000)):
        measure(*shape)


def measure(n_tasks: int, n_candidates: int, n_samples: int) -> None:
    outcomes = make_outcomes(n_tasks, n_candidates, n_samples)
    prices = {f"model-{i}": Price(0.1 * (i + 1), 0.4 * (i + 1)) for i in range(n_candidates)}
    comparison = compare(outcomes, prices, QualityRule())
    routing_map = choose_routes(comparison)
    start = time.perf_counter()
    view = build_view(
        comparison,
        routing_map,
        outcomes,
        stability=measure_stability(outcomes, comparison, routing_map),
        differences=measure_differences(outcomes, comparison),
        prices=prices,
    )
    viewed = time.perf_counter()
    page = render_html(view)
    done = time.perf_counter()
    print(
        f"{n_tasks:5} x {n_candidates:2} x {n_samples:5} {len(outcomes.rows):17,}"
        f" {viewed - start:8.2f} {done - viewed:9.2f} {len(page.encode()) / 1e6:6.2f}"
        f" {len(view.samples.shown):7} of {view.samples.n_total:,}   {usable(page)}"
    )


def make_outcomes(n_tasks: int, n_candidates: int, n_samples: int) -> Outcomes:
    rng = random.Random(7)
    rows, prompts = [], {}
    for t in range(n_tasks):
        for s in range(n_samples):
            key = (f"task-{t}", f"sample-{s:04}")
            prompts[key] = Prompt(*key, " ".join(rng.choices(WORDS, k=60)), "total")
            for c in range(n_candidates):
                right = float(rng.random() < 0.6 + 0.04 * c)
                text = " ".join(rng.choices(WORDS, k=40))
                usage = Usage(90, 55)
                rows.append(
                    Outcome(*key, f"model-{c}", 0, right, None, True, text, None, usage,
                            latency_s=rng.uniform(0.2, 2))
                )  # fmt: skip
    return Outcomes(tuple(rows), prompts)


def usable(page: str) -> str:
    """Seconds until Chromium has run the page's script, or why that is not known."""
    chromium = shutil.which("chromium")
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        return "playwright is not installed"
    if chromium is None:
        return "chromium is not installed"
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        path = Path(folder) / "report.html"
        path.write_text(page)
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        tab = browser.new_page()
        tab.goto(path.as_uri())
        entry = "performance.getEntriesByType('navigation')[0].domContentLoadedEventEnd"
        return f"{tab.evaluate(entry) / 1000:.2f}"


if __name__ == "__main__":
    main()
