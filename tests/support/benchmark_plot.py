"""Draws what one worker counts: `python -m tests.support.benchmark_plot` renews docs/images/benchmark.svg."""

import os
import platform
import sys
from typing import Final
from xml.sax.saxutils import escape

from tests.benchmarks.__main__ import figures
from tests.support.repository import ROOT

PICTURE: Final = ROOT / "docs" / "images" / "benchmark.svg"
BARS: Final = {
    "numpy_in_memory_rows_per_s": "numpy alone, in memory: no Kafka, no Avro",
    "confluent_fastavro_numpy_rows_per_s": "a bare loop: Kafka client, Avro, numpy; loses and repeats rows in a crash",
    "columns_rows_per_s": "kedge worker: exactly once, windows closed, reports written",
}
_WIDTH, _LEFT, _ROW, _TOP = 760, 16, 58, 56
_STYLE: Final = """
text { font: 14px system-ui, sans-serif; fill: #1f2328 } .figure { font-weight: 600 } .small { font-size: 12px }
rect { fill: #8c959f } .kedge { fill: #0969da }
@media (prefers-color-scheme: dark) { text { fill: #e6edf3 } rect { fill: #6e7681 } .kedge { fill: #58a6ff } }
"""


def drawn(measured: dict[str, float], setting: str) -> str:
    """Return the picture: a bar for each of `BARS`, rows a second, on one scale."""
    highest = max(measured[name] for name in BARS)
    height = _TOP + _ROW * len(BARS) + 8
    title = "Predictions of 20 features counted in a second by one process"
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" role="img">',
        f"<title>{title}</title><style>{_STYLE}</style>",
        f'<text x="{_LEFT}" y="22" class="figure">{title}</text>',
        f'<text x="{_LEFT}" y="40" class="small">{escape(setting)}</text>',
    ]
    for place, (name, words) in enumerate(BARS.items()):
        top, length = _TOP + _ROW * place, (_WIDTH - 2 * _LEFT - 120) * measured[name] / highest
        kind = ' class="kedge"' if name == "columns_rows_per_s" else ""
        lines += [
            f'<text x="{_LEFT}" y="{top + 14}">{escape(words)}</text>',
            f'<rect x="{_LEFT}" y="{top + 22}" width="{length:.0f}" height="20" rx="2"{kind}/>',
            f'<text x="{_LEFT + length + 8:.0f}" y="{top + 37}" class="figure">{measured[name]:,.0f}</text>',
        ]
    return "\n".join([*lines, "</svg>", ""])


def main() -> int:
    """Measure once, and write the picture."""
    where = f"four partitions, a real broker on the same {os.cpu_count()} cores"
    setting = f"Python {platform.python_version()}, {where}; make bench ARGS=columns"
    PICTURE.write_text(drawn(figures("bench_columns"), setting), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
