"""`python -m tests.guard_soak --runs 20`: bad canaries and drifts of all traffic on a real broker, again and again.

Exit code 0 when every canary was led away exactly once, and no drift led anywhere.
"""

import argparse
import logging
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Final

from tests.support.incidents import Scene, bad_canary, traffic_drift
from tests.support.kafka import Broker
from tests.support.processes import tail

PLAYS: Final[dict[str, Callable[..., None]]] = {"traffic_drift": traffic_drift, "bad_canary": bad_canary}


def main() -> int:
    """Run, and print a line a run."""
    parser = argparse.ArgumentParser(description="Play the guard's incidents many times.")
    parser.add_argument("--runs", type=int, default=20)
    runs = parser.parse_args().runs
    held: Counter[str] = Counter()
    logging.getLogger("kedge.actuator").setLevel(logging.ERROR)  # it says of each new store that it is new
    with tempfile.TemporaryDirectory() as folder, Broker(Path(folder, "kafka")) as broker:
        for number in range(1, runs + 1):
            began = time.monotonic()
            said = _run(broker, f"soak-{number}", Path(folder, str(number)))
            held.update(play for play, fault in said.items() if not fault)
            told = "  ".join(f"{play} {fault or 'held'}" for play, fault in said.items())
            sys.stdout.write(f"{number:>3}  {told}  {time.monotonic() - began:.0f} s\n")
            sys.stdout.flush()
    sys.stdout.write("held: " + ", ".join(f"{play} in {held[play]} of {runs}" for play in PLAYS) + "\n")
    return 0 if held == dict.fromkeys(PLAYS, runs) else 1


def _run(broker: Broker, environment: str, folder: Path) -> dict[str, str]:
    """Play each once in an environment of its own; returns what was wrong with each."""
    folder.mkdir()
    said: dict[str, str] = {}
    with Scene(broker, environment, folder, [*PLAYS]).opened() as scene:
        for play, run in PLAYS.items():
            try:
                run(scene, play)
            except (AssertionError, TimeoutError) as fault:
                said[play] = f"failed: {fault}\n{tail(scene.worker.log)}\n"
            else:
                said[play] = ""
    return said


if __name__ == "__main__":
    sys.exit(main())
