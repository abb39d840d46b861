"""Runs the demo and keeps what it shows: `python -m tests.support.demo_picture` renews docs/images/demo.svg."""

import io
import re
import sys

from rich._export_format import CONSOLE_SVG_FORMAT
from rich.console import Console
from rich.terminal_theme import MONOKAI

from kedge.streams.demo.run import run
from kedge.streams.demo.screen import Mode, Screen
from tests.support.repository import ROOT

PICTURE = ROOT / "docs" / "images" / "demo.svg"
# rich's own frame asks a font server; whoever reads the README has a monospaced font.
FRAME = re.sub(r"@font-face \{\{.*?\}\}|<!--.*?-->", "", CONSOLE_SVG_FORMAT, flags=re.DOTALL).replace("Fira Code, ", "")


def main() -> int:
    """Run the demo once."""
    console = Console(record=True, width=110, file=io.StringIO(), force_terminal=True, color_system="truecolor")
    with Screen(console, Mode.STILL) as screen:
        ending = run(("carrier", "distance"), screen)
    if not ending.faults:
        PICTURE.write_text(console.export_svg(title="kedge demo", theme=MONOKAI, code_format=FRAME), encoding="utf-8")
    return 1 if ending.faults else 0


if __name__ == "__main__":
    sys.exit(main())
