"""HTML of what is to be said. Jinja escapes every value: names come from senders, and any of them may be hostile."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote, urlencode

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from kedge.schemas.records import Verdict
from kedge.schemas.report_json import iso_time
from kedge.streams.console.charts import BARS, BOTTOM, LEFT, RIGHT, ROW, TOP
from kedge.streams.console.fleet import Fleet, fresh_words
from kedge.streams.console.model_page import ModelPage
from kedge.streams.console.outlook import Outlook
from kedge.streams.console.situation import Need, Reading
from kedge.streams.console.timeline import evidence_words
from kedge.streams.console.words import clock_time, number, share, span
from kedge.streams.people.harm_words import harm_words

__all__ = ["Pages"]

HERE: Final = Path(__file__).parent
_NEEDS: Final[Mapping[Need, tuple[str, str]]] = {
    Need.NOW: ("!", "needs you"),
    Need.UNKNOWN: ("?", "not known"),
    Need.WATCH: ("~", "look later"),
    Need.WELL: ("✓", "well"),
}
_MARKS: Final[Mapping[str, str]] = {
    "HARM": "■",
    Verdict.DRIFTED: "■",
    Verdict.WARNING: "▲",
    Verdict.STABLE: "●",
    Verdict.INSUFFICIENT: "○",
    Verdict.INVALID: "×",
}
"""The same shapes as in the curves."""


class Pages:
    """Makes pages; one object does for all of them."""

    def __init__(self) -> None:
        """Read the templates when they are first needed."""
        self._jinja = Environment(
            loader=FileSystemLoader(HERE / "templates"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._jinja.globals.update(
            {
                "evidence_words": evidence_words,
                "harm_words": lambda harm: harm_words(harm, share),
                "mark": lambda verdict: _MARKS.get(verdict, "○"),
                "model_path": _model_path,
                "need_mark": lambda need: _NEEDS[need][0],
                "need_words": lambda need: _NEEDS[need][1],
                "plot": {"left": LEFT, "right": RIGHT, "top": TOP, "bottom": BOTTOM, "row": ROW, "bars": BARS},
            }
        )
        self._jinja.filters.update({"iso": iso_time, "number": number, "share": share, "span": span})

    def fleet(self, outlook: Outlook, fleet: Fleet) -> bytes:
        """Return the first page."""
        return self._page("fleet.html", outlook.reading, outlook.now_ms, fleet=fleet, environment=outlook.environment)

    def model(self, outlook: Outlook, page: ModelPage) -> bytes:
        """Return a model's page."""
        return self._page("model.html", outlook.reading, outlook.now_ms, page=page, environment=outlook.environment)

    def message(self, title: str, words: str, back: str = "") -> bytes:
        """Return a page that says one thing; `back`: it asks for the token, which leads there."""
        return self._html("message.html", {"title": title, "words": words, "back": back})

    def _page(self, name: str, reading: Reading, now_ms: int, **values: object) -> bytes:
        at = {"reading": reading, "now_ms": now_ms, "fresh": fresh_words(reading, now_ms)}
        return self._html(name, {**at, **values, "at": lambda at_ms: clock_time(at_ms, now_ms)})

    def _html(self, name: str, values: Mapping[str, Any]) -> bytes:
        # A lone surrogate cannot be sent as UTF-8, and a name may hold one.
        return self._jinja.get_template(name).render(values).encode("utf-8", "replace")


def _model_path(model: str, version: str | None = None, role: str = "") -> str:
    path = f"/models/{quote(model, safe='', errors='replace')}"
    return path if version is None else f"{path}?{urlencode({'version': version, 'role': role}, errors='replace')}"
