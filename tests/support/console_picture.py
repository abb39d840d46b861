"""Shows a model that needs a person and keeps the picture: `python -m tests.support.console_picture`."""

import sys

from tests.streams.console.served import chromium, serving
from tests.streams.console.shown import Shelf
from tests.support.repository import ROOT

PICTURE = ROOT / "docs" / "images" / "console.png"


def main() -> int:
    """Play what has happened, and look at it."""
    shelf = Shelf()
    shelf.add("delay", "drifted")
    shelf.add("price", "healthy")
    outlook = shelf.outlook()
    with chromium() as browser, serving(lambda: outlook) as url:
        page = browser.new_page(viewport={"width": 1100, "height": 1130}, color_scheme="light")
        page.goto(f"{url}/models/delay")
        page.screenshot(path=PICTURE)
    return 0


if __name__ == "__main__":
    sys.exit(main())
