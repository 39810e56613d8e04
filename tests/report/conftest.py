"""Records as analysis makes them, built by hand: a small exact run and a realistic one."""

from __future__ import annotations

import json
import math
import shutil
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from llmroute.analysis.differences import measure_differences
from llmroute.analysis.stability import measure_stability
from llmroute.calibrating import Wish
from llmroute.calibration.threshold import Target
from llmroute.pipeline import calibrate
from llmroute.records import (
    Cell,
    Comparison,
    Interval,
    Outcome,
    Outcomes,
    Price,
    Prompt,
    Provenance,
    QualityRule,
    QualityThreshold,
    Rejected,
    RoutingMap,
    Savings,
    TaskComparison,
    TaskEvidence,
    TaskRoute,
    Usage,
)
from llmroute.report.bench.view import build_view

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from llmroute.calibrating import Calibration
    from llmroute.report.bench.view import ReportView

Run = tuple[Comparison, RoutingMap, Outcomes]
Rows = list[dict[str, Any]]
Visit = tuple[Any, list[str], list[str]]

BREACHES = """addEventListener("securitypolicyviolation", (event) =>
  console.error(`${event.violatedDirective} refuses ${event.blockedURI}`))"""
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")

CELL = Cell(
    task="classification",
    candidate="small",
    verdict="likely",
    reason="mean 0.92 clears 0.85, lower bound 0.83",
    quality_threshold=0.85,
    n_samples=50,
    n_planned=50,
    n_answered=50,
    n_scored=50,
    failures={},
    quality=0.92,
    quality_low=0.83,
    quality_high=0.97,
    difference=None,
    cost_usd_per_1k=0.12,
    cost_basis="measured",
    unpriced_reason=None,
    latency_p50_s=0.42,
    latency_p95_s=1.31,
    input_tokens=310.0,
    output_tokens=18.0,
    samples_needed=None,
    on_frontier=True,
)


def make_run(
    cells: list[Cell],
    *,
    reference: str,
    savings: Savings | None = None,
    outcomes: Outcomes | None = None,
    notes: tuple[str, ...] = (),
    provenance: Provenance | None = None,
    weights: dict[str, float] | None = None,
) -> Run:
    """A run over these cells, routed to the cheapest cell that is proven or likely."""
    tasks = list(dict.fromkeys(cell.task for cell in cells))
    grouped = {task: [cell for cell in cells if cell.task == task] for task in tasks}
    weights = weights or {}
    comparison = Comparison(
        rule=QualityRule(),
        reference=reference,
        reference_chosen=True,
        candidates=tuple(dict.fromkeys(cell.candidate for cell in cells)),
        tasks=tuple(
            TaskComparison(
                task, group[0].quality_threshold, QualityThreshold(group[0].quality_threshold),
                weights.get(task, 1.0), tuple(group),
            )
            for task, group in grouped.items()
        ),
    )  # fmt: skip
    routing_map = RoutingMap(
        reference=reference,
        rule=comparison.rule,
        tasks=tuple(_route(task, group, reference) for task, group in grouped.items()),
        savings=savings or Savings(None, None, None, None, "the reference has no price"),
        provenance=provenance or Provenance(),
        notes=notes,
    )
    return comparison, routing_map, outcomes or Outcomes(())


def _route(task: str, cells: list[Cell], reference: str) -> TaskRoute:
    clearing = [
        cell
        for cell in cells
        if cell.verdict in ("proven", "likely") and cell.cost_usd_per_1k is not None
    ]
    chosen = min(clearing, key=lambda cell: cell.cost_usd_per_1k or 0.0, default=None)
    name = chosen.candidate if chosen else reference
    evidence = chosen or next((cell for cell in cells if cell.candidate == reference), cells[0])
    return TaskRoute(
        task=task,
        route=name,
        fallbacks=tuple(
            dict.fromkeys(
                [cell.candidate for cell in clearing if cell is not chosen][:1]
                + ([reference] if reference != name else [])
            )
        ),
        verdict=chosen.verdict if chosen else "fallback",
        reason=chosen.reason if chosen else "no candidate clears the bar",
        quality_threshold=cells[0].quality_threshold,
        threshold_rule=QualityThreshold(cells[0].quality_threshold),
        weight=1.0,
        evidence=TaskEvidence(
            evidence.n_samples, evidence.coverage, evidence.quality, evidence.quality_low,
            evidence.quality_high, evidence.cost_usd_per_1k, evidence.cost_basis,
            evidence.latency_p50_s, evidence.latency_p95_s,
        ),
        rejected=tuple(
            Rejected(
                cell.candidate, cell.verdict, _why(cell), cell.quality, cell.quality_low,
                cell.quality_high, cell.coverage, cell.cost_usd_per_1k, cell.samples_needed,
            )
            for cell in cells
            if cell.candidate != name
        ),
    )  # fmt: skip


def _why(cell: Cell) -> str:
    if cell.cost_usd_per_1k is None and cell.verdict in ("proven", "likely"):
        return "it clears, but has no price: an unpriced candidate is never the cheapest"
    return cell.reason


@pytest.fixture
def cell() -> Cell:
    return CELL


@pytest.fixture
def run_of() -> Callable[..., Run]:
    return make_run


@pytest.fixture
def small_run() -> Run:
    """One task, three candidates, one sample with its answers; every number known."""
    cells = [
        replace(CELL, candidate="tiny", verdict="fails", quality=0.70, quality_low=0.58,
                quality_high=0.80, cost_usd_per_1k=0.02, reason="mean 0.70 is below the bar 0.85",
                failures={"timed_out": 2}, n_answered=48, n_scored=48),
        CELL,
        replace(CELL, candidate="large", verdict="proven", quality=0.98, quality_low=0.92,
                quality_high=1.0, cost_usd_per_1k=2.5, reason="lower bound 0.92 clears 0.85"),
    ]  # fmt: skip
    rows = (
        Outcome("classification", "q1", "tiny", 0, 0.0, None, True, "refund", "refund"),
        Outcome("classification", "q1", "small", 0, 1.0, None, True, "I say: billing", "billing"),
        Outcome("classification", "q1", "large", 0, None, "timed_out"),
    )
    prompts = {("classification", "q1"): Prompt("classification", "q1", "Which team?", "billing")}
    saved = Savings(2.5, 0.12, Interval(2.38, 2.3, 2.4), Interval(0.952, 0.94, 0.96))
    return make_run(cells, reference="large", savings=saved, outcomes=Outcomes(rows, prompts))


MODELS = (  # name, skill, $ in, $ out a million tokens, seconds
    ("builtin/rules", -1.2, 0.0, 0.0, 0.0004),
    ("local-qwen", 1.1, None, None, 0.9),
    ("gpt-4o-mini", 1.9, 0.15, 0.60, 0.55),
    ("haiku", 2.5, 1.0, 5.0, 0.8),
    ("sonnet", 3.1, 3.0, 15.0, 1.6),
)
TASKS = (  # name, ease, tokens in, tokens out, bar, share of traffic
    ("classification", 0.9, 310, 8, 0.85, 4.0),
    ("extraction", 0.4, 620, 120, 0.85, 2.0),
    ("summarization", 0.1, 1400, 160, 0.80, 1.0),
    ("grounded_qa", 0.5, 900, 60, 0.85, 2.0),
    ("formatting", 1.4, 260, 140, 0.90, 1.0),
    ("math_reasoning", -1.1, 180, 420, 0.85, 0.5),
)
TOPICS = ("an invoice in two currencies", "a late parcel", "a refund for a broken kettle",
          "a lost password", "a quote for forty chairs", "a meeting moved to Friday")  # fmt: skip


def realistic_run(n_samples: int = 50, seed: int = 7) -> Run:
    """6 tasks × 5 candidates, scores drawn from each model's chance on each task."""
    rng = np.random.default_rng(seed)
    rows: list[Outcome] = []
    prompts: dict[tuple[str, str], Prompt] = {}
    cells: list[Cell] = []
    for task, ease, n_in, n_out, bar, _ in TASKS:
        for i in range(n_samples):
            sid = f"{task[:3]}-{i + 1:03d}"
            topic = TOPICS[i % len(TOPICS)]
            prompts[task, sid] = Prompt(
                task, sid, f"A customer writes about {topic} (message {i + 1}).\n"
                f"Work on it as {task.replace('_', ' ')} and answer with the result only.",
                f"result {i * 7 % 10}", (("billing", "delivery", "account")[i % 3],),
                ("easy", "medium", "hard")[i % 3],
            )  # fmt: skip
        for name, skill, usd_in, usd_out, seconds in MODELS:
            drawn = _draw(rng, task, name, skill + ease, n_in, n_out, seconds, n_samples)
            rows += drawn
            cells.append(_summarise(task, name, bar, drawn, usd_in, usd_out))
    cells = _mark_frontier(cells)
    weights = {task: share for task, *_, share in TASKS}
    return make_run(
        cells,
        reference="sonnet",
        savings=_savings(cells, weights),
        outcomes=Outcomes(tuple(rows), prompts),
        notes=(
            "math_reasoning: haiku needs about 180 more samples before it can be judged.",
            "local-qwen has no price, so it is never the cheapest: set 'price: {usd_per_hour: …}'.",
        ),
        weights=weights,
        provenance=Provenance(
            run_id="01J9ZQ4T7M", started="2025-03-14T09:26:53Z",
            suites={task: f"{abs(hash_of(task)):064x}"[:64] for task, *_ in TASKS},
            candidates={
                name: {"model": f"provider/{name}", "params": {"temperature": 0},
                       "price": {"input_usd_per_mtok": usd_in, "output_usd_per_mtok": usd_out,
                                 "source": "litellm 1.106"} if usd_in is not None else None}
                for name, _, usd_in, usd_out, _ in MODELS
            },
            versions={"llmroute": "0.1.0", "litellm": "1.106.2", "python": "3.11.9"},
            seed=7,
        ),
    )  # fmt: skip


def hash_of(text: str) -> int:
    return int.from_bytes(text.encode().ljust(32, b"~")[:32], "big")


def _draw(rng: np.random.Generator, task: str, name: str, logit: float, n_in: int, n_out: int,
          seconds: float, n_samples: int) -> list[Outcome]:  # fmt: skip
    rows = []
    for i in range(n_samples):
        sid = f"{task[:3]}-{i + 1:03d}"
        failed = name == "local-qwen" and rng.random() < 0.05
        hard = (0.6, 0.0, -0.6)[i % 3]
        right = rng.random() < 1 / (1 + math.exp(-(logit + hard)))
        usage = Usage(int(n_in * rng.uniform(0.8, 1.2)), int(n_out * rng.uniform(0.6, 1.5)))
        latency = float(seconds * rng.lognormal(0, 0.35))
        if failed:
            rows.append(Outcome(task, sid, name, 0, None, "timed_out"))
            continue
        value = i * 7 % 10 if right else (i * 7 + 3) % 10
        rows.append(
            Outcome(task, sid, name, 0, float(right), None, True,
                    f"Here is what I found.\nresult {value}", f"result {value}", usage,
                    latency_s=latency, finish_reason="stop")
        )  # fmt: skip
    return rows


def _summarise(task: str, name: str, bar: float, rows: list[Outcome], usd_in: float | None,
               usd_out: float | None) -> Cell:  # fmt: skip
    scores = [row.score for row in rows if row.score is not None]
    quality = sum(scores) / len(scores)
    low, high = _wilson(quality, len(scores))
    coverage = len(scores) / len(rows)
    verdict, reason = "fails", f"mean {quality:.2f} is below the bar {bar:g}"
    if quality >= bar:
        verdict = "proven" if low >= bar else "likely" if low >= bar - 0.05 else "undecided"
        reason = f"mean {quality:.2f} against the bar {bar:g}, lower bound {low:.2f}"
    if coverage < 0.98:
        verdict, reason = "fails", f"only {coverage:.0%} of the calls carry a score"
    tokens_in = sum(row.usage.input_tokens or 0 for row in rows) / len(scores)
    tokens_out = sum(row.usage.output_tokens or 0 for row in rows) / len(scores)
    priced = usd_in is not None and usd_out is not None
    times = sorted(row.latency_s for row in rows if row.latency_s is not None)
    return replace(
        CELL, task=task, candidate=name, verdict=verdict, reason=reason, quality_threshold=bar,
        n_samples=len(rows), n_planned=len(rows), n_answered=len(scores), n_scored=len(scores),
        failures={"timed_out": len(rows) - len(scores)} if len(rows) > len(scores) else {},
        quality=quality, quality_low=low, quality_high=high,
        cost_usd_per_1k=(tokens_in * usd_in + tokens_out * usd_out) / 1000 if priced else None,
        cost_basis="measured" if priced else None,
        unpriced_reason=None if priced else "no price is known for provider/local-qwen",
        latency_p50_s=times[len(times) // 2], latency_p95_s=times[int(len(times) * 0.95)],
        input_tokens=tokens_in, output_tokens=tokens_out,
        samples_needed=180 if verdict == "undecided" else None,
    )  # fmt: skip


def _wilson(quality: float, n: int, z: float = 1.645) -> tuple[float, float]:
    centre = (quality + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * math.sqrt(quality * (1 - quality) / n + z * z / (4 * n * n))
    return max(0.0, centre - half), min(1.0, centre + half)


def _mark_frontier(cells: list[Cell]) -> list[Cell]:
    def dominated(cell: Cell) -> bool:
        cost, quality = cell.cost_usd_per_1k, cell.quality or 0.0
        return cost is None or any(
            other.task == cell.task
            and other.cost_usd_per_1k is not None
            and other.cost_usd_per_1k < cost
            and (other.quality or 0.0) >= quality
            for other in cells
        )

    return [replace(cell, on_frontier=not dominated(cell)) for cell in cells]


def _savings(cells: list[Cell], weights: dict[str, float]) -> Savings:
    total = sum(weights.values())
    paid = routed = 0.0
    for task, weight in weights.items():
        group = [cell for cell in cells if cell.task == task and cell.cost_usd_per_1k is not None]
        reference = next(cell for cell in group if cell.candidate == "sonnet")
        clearing = [cell for cell in group if cell.verdict in ("proven", "likely")] or [reference]
        paid += weight / total * (reference.cost_usd_per_1k or 0.0)
        routed += weight / total * min(cell.cost_usd_per_1k or 0.0 for cell in clearing)
    share = 1 - routed / paid
    return Savings(
        paid, routed, Interval(paid - routed, (paid - routed) * 0.95, (paid - routed) * 1.04),
        Interval(share, share - 0.04, min(1.0, share + 0.03)),
    )  # fmt: skip


@pytest.fixture(scope="session")
def real_run() -> Run:
    return realistic_run()


def full_view(run: Run) -> ReportView:
    """The view of a run with all that is measured for a report."""
    comparison, routing_map, outcomes = run
    return build_view(
        *run,
        stability=measure_stability(outcomes, comparison, routing_map),
        differences=measure_differences(outcomes, comparison),
        prices={name: Price(paid, out) for name, _, paid, out, _ in MODELS if paid is not None},
    )


@pytest.fixture(scope="session")
def real_view(real_run: Run) -> ReportView:
    return full_view(real_run)


HOSTILE_STRINGS = Path(__file__).parents[1] / "data" / "hostile_strings.json"
"""By what they attack."""
WRAPPERS = ("{}", "a {} b", "\n{}\n", "</b>{}", "'\"{}\"'")


@pytest.fixture(scope="session")
def payloads() -> tuple[str, ...]:
    """More than 300 strings that would run, hide or break something in a careless sink."""
    kinds = json.loads(HOSTILE_STRINGS.read_text("utf-8"))
    return tuple(text for texts in kinds.values() for text in texts)


@pytest.fixture(scope="session")
def hostile(payloads: tuple[str, ...]) -> tuple[str, ...]:
    """The same, alone and within other text."""
    return tuple(wrapper.replace("{}", text) for text in payloads for wrapper in WRAPPERS)


def hostile_run(strings: tuple[str, ...]) -> Run:
    """A run in which every field that holds text holds a hostile one."""
    turn = iter(range(10**9))

    def text() -> str:
        return strings[next(turn) % len(strings)]

    tasks = [f"{text()} {i}" for i in range(12)]
    candidates = [f"{text()} {i}" for i in range(12)]
    verdicts = ("fails", "undecided", "likely", "proven")
    cells, rows, prompts = [], [], {}
    for task in tasks:
        for i, name in enumerate(candidates):
            cells.append(replace(CELL, task=task, candidate=name, verdict=verdicts[i % 4],
                                 reason=text(), failures={text(): 1},
                                 cost_usd_per_1k=None if i % 5 == 0 else 0.1 * i,
                                 unpriced_reason=text()))  # fmt: skip
        for k in range(3):
            sid = f"{text()} {k}"
            prompts[task, sid] = Prompt(task, sid, text(), {text(): [text()]}, (text(),), text())
            rows += [
                Outcome(task, sid, name, 0, 0.5 if i % 2 else None, text(), True, text(), text())
                for i, name in enumerate(candidates)
            ]
    provenance = Provenance(
        run_id=text(), started=text(), suites={text(): text()},
        candidates={name: {"model": text(), "params": {text(): text()}} for name in candidates},
        versions={text(): text()}, strategy=text(), sources=(text(),),
    )  # fmt: skip
    return make_run(
        cells, reference=candidates[-1], outcomes=Outcomes(tuple(rows), prompts),
        notes=tuple(strings), provenance=provenance,
        savings=Savings(None, None, None, None, text()),
    )  # fmt: skip


@pytest.fixture(scope="session")
def bad_run(hostile: tuple[str, ...]) -> Run:
    return hostile_run(hostile)


@pytest.fixture(scope="session")
def bad_view(bad_run: Run) -> ReportView:
    return full_view(bad_run)


# -- calibrations ---------------------------------------------------------------------------------

NOUNS = ("river", "lamp", "tower", "garden", "engine", "violin", "harbour", "cloud", "basket")


def calibration_rows(
    n: int = 160,
    *,
    weak: str = "small",
    strong: str = "large",
    tasks: tuple[str, ...] = ("shop", "school", "yard"),
    priced: bool = True,
    answers: bool = False,
    shuffled: bool = False,
) -> Rows:
    """Lines of an outcomes file: proofs are hard for the weak model, sums are not.

    The prompt says which it is, and so does a weak answer where there is one. Shuffled: it does
    not, and no router can be worth running. `hard` prompts are as frequent in every task.
    """
    rng = np.random.default_rng(7)
    hard = rng.random(n) < 0.5
    weak_right = rng.random(n) < np.where(hard, 0.15, 0.92)
    strong_right = rng.random(n) < 0.95
    moved = rng.permutation(n) if shuffled else np.arange(n)
    costs = {"cost_usd": 0.0001}, {"cost_usd": 0.002}
    rows = []
    for i in range(n):
        a, b, c = rng.choice(NOUNS, 3, replace=False)
        k = int(rng.integers(10, 9999))
        more = "".join(f" Mind the {noun}." for noun in rng.choice(NOUNS, int(rng.integers(0, 4))))
        prove = f"Prove that the {a} theorem number {k} holds for every {b}, {c} and step.{more}"
        add = f"Add {k} to the price of one {a}, a {b} and a {c}.{more}"
        said = f"It is {k + 5}." if weak_right[moved[i]] else f"I am not sure; maybe the {b}?"
        models = {
            weak: {"score": float(weak_right[moved[i]])} | (costs[0] if priced else {}),
            strong: {"score": float(strong_right[moved[i]])} | (costs[1] if priced else {}),
        }
        if answers:
            models[weak]["answer"] = said
        row = {"id": f"q{i}", "task": tasks[i % len(tasks)], "models": models}
        rows.append(row | {"prompt": prove if hard[i] else add})
    return rows


@pytest.fixture(scope="session")
def make_rows() -> Callable[..., Rows]:
    """`calibration_rows`, for tests that change some of them."""
    return calibration_rows


@pytest.fixture(scope="session")
def make_calibration(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Calibration]:
    """Calibrates on rows (default: `calibration_rows()`) as the command does, in under 3 s.

    `share` is the target, None for the knee; further arguments are those of a `Wish`.
    """
    folder = tmp_path_factory.mktemp("outcomes")

    def make(rows: Rows | None = None, *, share: float | None = 0.4, **wish: Any) -> Calibration:
        path = folder / f"{len(list(folder.iterdir()))}.jsonl"
        lines = (json.dumps(row) + "\n" for row in rows or calibration_rows())
        path.write_text("".join(lines), encoding="utf-8", errors="surrogatepass")
        target = Target("knee") if share is None else Target("target_strong", share)
        return calibrate(Wish(target=target, **{"router": "length"} | wish), files=[path])

    return make


@pytest.fixture(scope="session")
def calibration(make_calibration: Callable[..., Calibration]) -> Calibration:
    """A shipped router on three tasks of known price."""
    return make_calibration()


# -- a real browser -------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def visit(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Visit]]:
    """Opens a page's HTML: the Playwright page, what it complained of, the requests that left it.

    Complaints are console messages, uncaught errors, dialogs and breaches of the page's policy.
    """
    api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    if CHROMIUM is None:
        pytest.skip("chromium is not installed")
    folder: Path = tmp_path_factory.mktemp("pages")
    with api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])

        def open_page(html: str, **options: Any) -> Visit:
            path = folder / f"{len(list(folder.iterdir()))}.html"
            path.write_bytes(html.encode())
            page = browser.new_context(**options).new_page()
            messages: list[str] = []
            requests: list[str] = []
            page.on("console", lambda message: messages.append(message.text))
            page.on("pageerror", lambda error: messages.append(str(error)))
            page.on("dialog", lambda dialog: (messages.append(dialog.message), dialog.dismiss()))
            page.on("request", lambda request: requests.append(request.url))
            page.add_init_script(BREACHES)
            page.goto(path.as_uri())
            return page, messages, requests[1:]

        yield open_page
        browser.close()
