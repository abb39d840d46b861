"""A page that was made a moment ago serves all who ask; nothing older is shown, and nothing that is not so any more."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from threading import Lock

import pytest
from prometheus_client import CollectorRegistry

from kedge.streams.console.door import Door
from kedge.streams.console.kept import KEPT_MAX, Kept
from kedge.streams.console.site import PAGES_MAX, Site
from kedge.streams.core.catalog import Catalog
from kedge.streams.worker.health import Request
from kedge.streams.worker.metric import as_counter
from kedge.streams.worker.metrics import WORKER_METRICS
from tests.schemas.samples import SAMPLES
from tests.streams.console.shown import Shelf


class Asked(Catalog):
    """Counts how often all models are asked for: once for each first page that is made."""

    made = 0

    def models(self) -> tuple[str, ...]:
        self.made += 1
        return super().models()


class Viewer:
    """Somebody who is let in, and what there is to see."""

    def __init__(self) -> None:
        self.catalog = Asked()
        self.shelf = Shelf(catalog=self.catalog)
        self.shelf.add("delay", "healthy")
        self.shelf.now += 1_000 - self.shelf.now % 1_000
        faults = as_counter(WORKER_METRICS["console_faults"], CollectorRegistry())
        self._site = Site(Door(host="127.0.0.1"), self.shelf.outlook, Lock(), faults)

    def sees(self, path: str = "/") -> str:
        answer = self._site.answer(Request(method="GET", path=path, headers={"host": "localhost"}))
        assert answer.status == 200
        return answer.body.decode()


@pytest.fixture
def viewer() -> Viewer:
    return Viewer()


def test_one_page_is_made_for_all_who_ask_at_once(viewer: Viewer) -> None:
    viewer.shelf.reading = replace(viewer.shelf.reading, heard_at=viewer.shelf.now)
    with ThreadPoolExecutor(PAGES_MAX) as pool:
        pages = set(pool.map(lambda _: viewer.sees(), range(PAGES_MAX)))
    assert (len(pages), viewer.catalog.made) == (1, 1)
    assert "The model is well" in pages.pop()
    viewer.shelf.later_ms = 999
    viewer.sees()
    assert viewer.catalog.made == 1


def test_no_page_is_shown_in_the_next_second_of_the_clock(viewer: Viewer) -> None:
    viewer.shelf.reading = replace(viewer.shelf.reading, heard_at=viewer.shelf.now)
    viewer.shelf.later_ms = 59_999
    assert "is well" in viewer.sees()
    viewer.shelf.later_ms = 61_000
    assert "is well" not in viewer.sees()
    viewer.shelf.later_ms = 59_999  # a clock that was set back
    assert "is well" in viewer.sees()
    assert viewer.catalog.made == 3


def test_no_page_is_shown_that_does_not_know_of_a_record_or_of_trouble(viewer: Viewer) -> None:
    viewer.sees()
    viewer.shelf.take("alerts", SAMPLES["Alert"], viewer.shelf.now)
    viewer.sees()
    assert viewer.catalog.made == 2
    viewer.shelf.take("journal", SAMPLES["Journal"], viewer.shelf.now)
    before = viewer.shelf.board.changes
    viewer.shelf.board.settle(whole=True)
    assert viewer.shelf.board.changes > before
    assert "Kafka is away" not in viewer.sees()
    viewer.shelf.reading = replace(viewer.shelf.reading, trouble="Kafka is away")
    assert "Kafka is away" in viewer.sees()


def test_each_page_is_its_own(viewer: Viewer) -> None:
    viewer.shelf.add("other", "drifted")
    viewer.shelf.now += 1_000 - viewer.shelf.now % 1_000
    paths = ("/", "/models/delay", "/models/other", "/models/delay?version=v2&role=SHADOW")
    pages = [viewer.sees(path) for path in paths]
    assert len(set(pages)) == len(paths)
    assert [viewer.sees(path) for path in paths] == pages


def test_a_few_pages_are_kept_whatever_is_asked(viewer: Viewer) -> None:
    kept, outlook = Kept(), viewer.shelf.outlook()
    made: list[int] = []

    def page(key: int) -> bytes:
        def make() -> bytes:
            made.append(key)
            return b"%d" % key

        return kept.page(outlook, key, make)

    for key in range(KEPT_MAX + 1):
        assert page(key) == page(key) == b"%d" % key
    assert made == list(range(KEPT_MAX + 1))
    page(0)
    assert made[-1] == 0
