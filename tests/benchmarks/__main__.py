"""Run the benchmarks one after the other, each in a process of its own, and print their figures."""

import argparse
import json
import platform
import subprocess
import sys
from pathlib import Path

FOLDER = Path(__file__).parent

# One benchmark's memory, threads and compiled state must not help or hurt the next.
_ONE = """
import importlib, json, sys
print(json.dumps(importlib.import_module("tests.benchmarks." + sys.argv[1]).run()))
"""


def names(parts: list[str]) -> list[str]:
    """The benchmarks whose name holds one of the parts; all when there are none."""
    found = sorted(path.stem for path in FOLDER.glob("bench_*.py"))
    return [name for name in found if not parts or any(part in name for part in parts)]


def figures(name: str) -> dict[str, float]:
    """What one benchmark measured.

    Raises:
        subprocess.CalledProcessError: it failed; its errors went to stderr.
    """
    done = subprocess.run([sys.executable, "-c", _ONE, name], stdout=subprocess.PIPE, text=True, check=True)
    measured: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return measured


def main() -> int:
    """Print a table a benchmark; 1 when one failed, 2 when none has such a name."""
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("parts", nargs="*", help="parts of the names of the benchmarks to run; all when omitted")
    chosen = names(parser.parse_args().parts)
    if not chosen:
        print("no benchmark has such a name", file=sys.stderr)
        return 2
    print(f"Python {platform.python_version()}, {platform.machine()}, {platform.system()}", flush=True)
    failed = []
    for name in chosen:
        print(f"\n{name.removeprefix('bench_')}", flush=True)
        try:
            measured = figures(name)
        except subprocess.CalledProcessError:
            failed.append(name)
            print("  failed")
            continue
        width = max(map(len, measured), default=0)
        for figure, value in measured.items():
            print(f"  {figure:<{width}}  {value:>14,.3f}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
