"""Pages that were made a moment ago: whoever asks within the same second, and of the same, needs none of his own.

What a page says of ages and of silence depends on the clock, so that nothing is kept into the next second of it.
"""

from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Final

from kedge.streams.console.outlook import Outlook

__all__ = ["KEPT_MAX", "Kept"]

KEPT_MAX: Final = 8
"""Pages; that of 1,000 models is a megabyte."""


class Kept:
    """The pages of one second, of what was read by then. Not safe to share between threads without a lock."""

    def __init__(self) -> None:
        """Keep nothing yet."""
        self._of: Hashable = None
        self._pages: OrderedDict[Hashable, bytes] = OrderedDict()

    def page(self, outlook: Outlook, key: Hashable, make: Callable[[], bytes]) -> bytes:
        """Return the page that `key` asks for, which `make` makes of the outlook unless it was made of the same."""
        of = (outlook.now_ms // 1_000, outlook.board, outlook.board.changes, outlook.reading)
        if of != self._of:
            self._of = of
            self._pages.clear()
        if key not in self._pages:
            self._pages[key] = make()
            if len(self._pages) > KEPT_MAX:
                self._pages.popitem(last=False)
        return self._pages[key]
