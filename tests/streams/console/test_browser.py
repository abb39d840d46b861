"""The console in a real Chromium: every state, light and dark, on a phone and on a desk, by eye and by keyboard."""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any, Final

import pytest
from playwright.sync_api import Browser, Page

from kedge.schemas.records import Bin, Report
from kedge.streams.console.outlook import Outlook
from kedge.streams.console.situation import Reading
from tests.schemas.samples import SAMPLES
from tests.streams.console.served import chromium, serving
from tests.streams.console.shown import Shelf

PHONE, DESK = (360, 740), (1280, 900)
AWAY: Final = Reading(
    ready=True, heard_at=1_700_008_000_000, trouble="Kafka at k:9092 does not answer", trouble_at=1_700_008_100_000
)
CONTRAST_MIN: Final = 4.5
LOW_CONTRAST = (Path(__file__).parent / "contrast.js").read_text()
"""Returns the texts whose contrast with what lies behind them is below the given one."""


def shelf(reading: Reading | None = None, later_ms: int = 0, **models: str) -> Outlook:
    made = Shelf(later_ms=later_ms) if reading is None else Shelf(reading, later_ms=later_ms)
    made.now = 1_700_008_600_000
    for model, shape in models.items():
        if shape == "new":
            made.watch(model)
        else:
            made.add(model, shape)
    return made.outlook()


STATES: Final[Mapping[str, Callable[[], Outlook]]] = {
    "empty": shelf,
    "new": lambda: shelf(delay="new"),
    "loading": lambda: shelf(Reading(done=43, total=100, heard_at=0), delay="healthy"),
    "healthy": lambda: shelf(delay="healthy", price="healthy"),
    "stale": lambda: shelf(later_ms=3_600_000, delay="healthy"),
    "incident": lambda: shelf(delay="harmed", price="healthy", late="drifted"),
    "error": lambda: shelf(AWAY, delay="harmed", price="healthy"),
}


@cache
def state_of(name: str) -> Outlook:
    return STATES[name]()


HEADLINES: Final = {
    "empty": "No model has a monitor yet",
    "new": "? 1 of 1 model cannot be vouched for: delay",
    "loading": "? Still reading",
    "healthy": "✓ All 2 models are well",
    "stale": "! 1 of 1 model needs you: delay",
    "incident": "! 2 of 3 models need you: delay, late",
    "error": "! 1 of 2 models needs you: delay",
}


@dataclass
class Shown:
    """What is served now, and what the browser complained about."""

    url: str
    browser: Browser
    served: list[Outlook]
    complaints: list[str] = field(default_factory=list)

    def open(self, state: str, path: str = "/", size: tuple[int, int] = DESK, scheme: Any = "light") -> Page:
        """Show a page of a state; its complaints are kept."""
        self.served[:] = [state_of(state)]
        page = self.browser.new_page(viewport={"width": size[0], "height": size[1]}, color_scheme=scheme)
        page.on("console", lambda message: self.complaints.append(message.text))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.goto(self.url + path)
        return page


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as started:
        yield started


@pytest.fixture(scope="module")
def shown(browser: Browser) -> Iterator[Shown]:
    served: list[Outlook] = []
    with serving(lambda: served[0]) as url:
        yield Shown(url, browser, served)


@pytest.mark.parametrize("state", STATES)
def test_a_state_says_the_right_thing_first_and_fits_in_light_and_dark(shown: Shown, state: str) -> None:
    """Headline, contrast, no sideways scrolling, and nothing that the browser complains about."""
    for size, scheme, path in ((PHONE, "light", "/"), (DESK, "dark", "/"), (PHONE, "dark", "/models/delay")):
        if state == "empty" and path != "/":
            continue
        page = shown.open(state, path, size, scheme)
        headline = page.locator("h1")
        if path == "/":
            assert headline.inner_text() == HEADLINES[state]
        box = headline.bounding_box()
        assert box is not None
        assert box["y"] < size[1] / 2, "what is wrong stands on the first screen"
        assert page.evaluate("document.documentElement.scrollWidth") <= size[0]
        assert page.evaluate(LOW_CONTRAST, CONTRAST_MIN) == []
        page.close()
    assert shown.complaints == []


def test_nothing_is_green_that_nobody_knows(shown: Shown) -> None:
    for state in ("loading", "stale", "error", "new"):
        page = shown.open(state)
        assert page.locator(".badge.well, .headline.well").count() == 0, state
        assert page.locator(".verdict.stable").count() == page.locator(".doubtful .verdict.stable").count(), state
        page.close()


def test_a_model_says_what_is_wrong_since_when_what_was_done_and_what_is_left(shown: Shown) -> None:
    page = shown.open("incident", "/models/delay", PHONE)
    text = page.locator("main section").first.inner_text()
    order = ["needs you", "does harm", "Since", "Kedge did", "ROUTE_TO_SAFE_PATH", "You", "docs/runbooks/rollback.md"]
    assert sorted(order, key=text.index) == order
    for name in (
        "The open incident",
        "Signals: baseline against window",
        "Outcomes by version",
        "Commands and answers",
    ):
        assert page.get_by_role("heading", name=name).count() == 1, name
    page.close()


def test_everything_can_be_reached_by_keyboard_and_seen_to_be(shown: Shown) -> None:
    page = shown.open("incident")
    seen = []
    for _ in range(6):
        page.keyboard.press("Tab")
        seen.append(page.evaluate("document.activeElement.textContent.trim()"))
    assert seen[0] == "Skip to the content"
    assert [name for name in seen if name in ("delay", "late", "price")] == ["delay", "late", "price"]
    page.get_by_role("link", name="delay", exact=True).focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**/models/delay*")
    summary = page.locator("summary").first
    summary.focus()
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") != "none"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.parentElement.open")
    page.close()


def test_pictures_and_tables_have_names_for_whoever_does_not_see_them(shown: Shown) -> None:
    page = shown.open("incident", "/models/delay")
    pictures = page.locator("svg[role=img]")
    assert pictures.count() == page.locator("svg[role=img] > title").count() == page.locator("svg > desc").count() == 6
    assert page.locator("table:not(:has(caption))").count() == 0
    assert page.locator("th:not([scope])").count() == 0
    assert page.locator("figure + details table").count() == 6
    ids = page.evaluate("[...document.querySelectorAll('[id]')].map(e => e.id)")
    assert len(ids) == len(set(ids))
    named = page.evaluate(
        "[...document.querySelectorAll('[aria-labelledby]')].flatMap(e => e.getAttribute('aria-labelledby').split(' '))"
    )
    assert set(named) <= set(ids)
    snapshot = page.locator("main").aria_snapshot()
    assert re.search(r'img "age: shares of the baseline', snapshot)
    page.close()


def test_no_word_of_a_picture_is_cut_off(shown: Shown) -> None:
    """The bins of a score that is mostly near 0 have long names."""
    report = SAMPLES["Report"]
    assert isinstance(report, Report)
    labels = ("< 9.02e-06", "[9.02e-06, 0.0004816)", "[0.0004816, 0.002962)", "[-1418, -0.0002962)")
    bins = tuple(Bin(label=label, reference=1.0, current=0.999, contribution=0.0) for label in labels)
    made = Shelf()
    made.add("delay", "healthy", findings=(replace(report.findings[0], bins=bins),))
    page = shown.open("healthy")
    shown.served[:] = [made.outlook()]
    page.goto(f"{shown.url}/models/delay")
    picture = page.locator("svg").filter(has=page.locator("text.label")).first
    assert picture.locator("text.label").all_text_contents() == list(labels)
    boxes = picture.locator("text").evaluate_all(
        "texts => texts.map(t => t.getBBox()).map(box => [box.x, box.x + box.width])"
    )
    assert all(left >= 0 and right <= 320 for left, right in boxes), boxes
    page.close()


def test_it_refreshes_itself_keeps_its_place_and_says_when_it_cannot(shown: Shown) -> None:
    page = shown.open("healthy")
    page.clock.install()
    page.reload()
    page.get_by_role("link", name="price", exact=True).focus()
    shown.served[:] = [state_of("incident")]
    page.clock.run_for(10_500)
    page.get_by_role("heading", name=HEADLINES["incident"][2:]).wait_for()
    assert "2 of 3" in page.locator("#said").inner_text()
    shown.served[:] = []  # the page cannot be made
    page.clock.run_for(10_500)
    page.locator("#lost").wait_for(state="visible")
    assert "This page stands still since" in page.locator("#lost").inner_text()
    shown.served[:] = [state_of("healthy")]
    page.clock.run_for(10_500)
    page.locator("#lost").wait_for(state="hidden")
    assert page.locator("h1").inner_text() == HEADLINES["healthy"]
    page.get_by_role("button", name="Pause refreshing").press("Enter")
    assert "refreshing is paused" in page.locator("#lost").inner_text()
    assert json.dumps(shown.complaints).count("500") == len(shown.complaints), "only the answer that was made to fail"
    shown.complaints.clear()
    page.close()
