"""`python -m tests.demo_soak --runs 20`: the demo again and again; exit code 0 when its story held every time."""

import argparse
import sys

from tests.support.demo_runs import run_demo


def main() -> int:
    """Run, and print a line a run."""
    parser = argparse.ArgumentParser(description="Run kedge demo many times.")
    parser.add_argument("--runs", type=int, default=20)
    runs = parser.parse_args().runs
    held = 0
    for number in range(1, runs + 1):
        run = run_demo()
        held += run.code == 0
        sys.stdout.write(f"{number:>3}  exit {run.code}  {run.summary}\n")
        if run.code != 0:
            sys.stdout.write(run.said)
        sys.stdout.flush()
    sys.stdout.write(f"held in {held} of {runs}\n")
    return 0 if held == runs else 1


if __name__ == "__main__":
    sys.exit(main())
