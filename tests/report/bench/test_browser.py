"""The page in a real Chromium, where one is installed with Playwright."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from llmroute.report.bench.html import render_html
from llmroute.report.bench.view import build_view

if TYPE_CHECKING:
    from collections.abc import Callable

    from llmroute.records import Comparison, Outcomes, RoutingMap

    Run = tuple[Comparison, RoutingMap, Outcomes]

Visit = tuple[Any, list[str], list[str]]


def page_of(run: Run) -> str:
    return render_html(build_view(*run))


def test_the_filters_work_by_keyboard(visit: Callable[..., Visit], real_run: Run) -> None:
    page, messages, _ = visit(page_of(real_run))
    page.focus("select[name=task]")
    page.keyboard.type("math")
    page.get_by_text("50 of 300 shown").wait_for()
    page.focus("input[type=search]")
    page.keyboard.type("message 7)")
    page.get_by_text("1 of 300 shown", exact=True).wait_for()
    assert page.locator("details.sample:visible").count() == 1
    assert messages == []


def test_two_answers_are_compared_word_by_word(visit: Callable[..., Visit], real_run: Run) -> None:
    comparison, routing_map, outcomes = real_run
    left, right = comparison.candidates[:2]
    said = {left: "The answer is 41 apples.", right: "The answer is 42 green apples."}
    rows = tuple(replace(row, output=said.get(row.candidate, "?")) for row in outcomes.rows)
    page, messages, requests = visit(
        page_of((comparison, routing_map, replace(outcomes, rows=rows)))
    )
    page.locator("details.sample summary").first.click()
    page.select_option("select[name=left]", label=left)
    page.select_option("select[name=right]", label=right)
    answers = page.locator("details.sample").first.locator("article:visible")
    answers.locator("ins").first.wait_for()
    assert answers.count() == 2
    shown = page.locator("details.sample").first
    assert shown.locator("del").all_text_contents() == [" 41"]
    assert shown.locator("ins").all_text_contents() == [" 42 green"]
    assert sorted(answers.locator("pre").all_text_contents()) == sorted(said.values())
    page.locator("details.sample summary").nth(1).click()
    page.locator("details.sample").nth(1).locator("ins").first.wait_for()
    page.select_option("select[name=right]", label="nothing")
    page.get_by_text("300 of 300 shown").wait_for()
    assert shown.locator("ins").count() == 0
    assert shown.locator("article:visible").count() == len(comparison.candidates)
    assert (messages, requests) == ([], [])


def test_samples_are_ordered_by_how_many_pass(visit: Callable[..., Visit], real_run: Run) -> None:
    page, _, _ = visit(page_of(real_run))

    def passing() -> list[int]:
        codes = page.eval_on_selector_all(
            "details.sample", "(rows) => rows.map((row) => row.dataset.r)"
        )
        return [code.count("p") for code in codes]

    before = passing()
    page.select_option("select[name=order]", "hard")
    page.wait_for_timeout(200)
    assert passing() == sorted(before)
    page.select_option("select[name=order]", "")
    page.wait_for_timeout(200)
    assert passing() == before


def test_a_link_to_a_sample_opens_it(visit: Callable[..., Visit], real_run: Run) -> None:
    page, _, _ = visit(page_of(real_run))
    anchor = page.locator("details.sample").nth(2).get_attribute("id")
    page.evaluate("(anchor) => { location.hash = anchor; }", anchor)
    page.locator(f"#{anchor}[open]").wait_for()


def test_filters_stand_in_the_address_and_are_read_from_it(
    visit: Callable[..., Visit], real_run: Run
) -> None:
    page, messages, _ = visit(page_of(real_run))
    page.select_option("select[name=task]", label="math_reasoning")
    page.select_option("select[name=result]", "b")
    page.fill("input[type=search]", "a & b #1")
    page.get_by_text("0 of 300 shown").wait_for()
    page.wait_for_url(lambda url: "text=a+%26+b+%231" in url)
    page.fill("input[type=search]", "")
    page.wait_for_url(lambda url: "text=" not in url)
    shown = page.locator("details.sample:visible").count()
    address = page.evaluate("location.href")
    assert address.endswith("#samples&task=math_reasoning&result=below+the+bar")
    other = page.context.new_page()
    other.goto(address)
    assert other.locator("select[name=task]").input_value() == "5"
    assert 0 < other.locator("details.sample:visible").count() == shown < 300
    assert messages == []


def test_a_link_to_a_sample_keeps_the_comparison(
    visit: Callable[..., Visit], real_run: Run
) -> None:
    page, messages, _ = visit(page_of(real_run))
    page.select_option("select[name=left]", label="haiku")
    page.select_option("select[name=right]", label="sonnet")
    page.locator("#pairs").wait_for()  # it moves the rows: a click before may hit another one
    sample = page.locator("details.sample").nth(4)
    sample.locator("summary").click()
    sample.get_by_text("Link to this sample").click()
    anchor = sample.get_attribute("id")
    address = page.evaluate("location.href")
    assert address.endswith(f"#{anchor}&left=haiku&right=sonnet")
    other = page.context.new_page()
    other.goto(address)
    other.locator(f"#{anchor}[open]").wait_for()
    assert other.locator(f"#{anchor} article:visible").count() == 2
    assert messages == []


def test_a_reader_is_told_that_prices_are_old_only_when_they_are(
    visit: Callable[..., Visit], real_run: Run
) -> None:
    for day, said in (("2025-04-10", False), ("2025-04-20", True)):
        page, _, _ = visit(page_of(real_run))
        page.clock.set_fixed_time(f"{day}T12:00:00Z")
        page.reload()
        assert page.locator(".aged").is_visible() is said
    assert "37 days ago" in page.locator(".aged").inner_text()


def test_the_page_is_complete_without_scripts(visit: Callable[..., Visit], real_run: Run) -> None:
    page, _, _ = visit(page_of(real_run), java_script_enabled=False)
    assert page.locator("details.sample").count() == 300
    assert not page.locator("#filters").is_visible()
    page.locator("details.sample summary").first.click()
    assert page.locator("details.sample article").first.is_visible()


TEXTS_THAT_MEET = """() => {
  const found = [];
  for (const svg of document.querySelectorAll("svg.chart")) {
    const frame = svg.getBoundingClientRect();
    const texts = [...svg.querySelectorAll("text")].filter((t) => t.checkVisibility());
    const boxes = texts.map((text) => [text.textContent, text.getBoundingClientRect()]);
    boxes.forEach(([name, a], i) => {
      if (a.left < frame.left - 1 || a.right > frame.right + 1) found.push([name, "outside"]);
      for (const [other, b] of boxes.slice(0, i)) {
        const across = Math.min(a.right, b.right) - Math.max(a.left, b.left);
        const down = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
        if (across > 1 && down > 2) found.push([name, other]);
      }
    });
  }
  return found;
}"""


@pytest.mark.parametrize("width", [390, 1280])
def test_no_text_of_a_figure_covers_another(
    visit: Callable[..., Visit], real_run: Run, bad_run: Run, width: int
) -> None:
    for run in (real_run, bad_run):
        page, _, _ = visit(page_of(run), viewport={"width": width, "height": 900})
        assert page.locator("svg.chart text.label:visible").count() > 0
        assert page.evaluate(TEXTS_THAT_MEET) == []
