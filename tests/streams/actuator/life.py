"""One life of an actuator beside a link, without Kafka: `python -m tests.streams.actuator.life FOLDER POINT`.

The folder holds the log (`log/0`, `log/1`, …), the store, the trusted keys and the link. It ends at POINT as a killed
process does, with 99, or well after the last command. What it did stands in `effects`, what it acked in `acks`.
"""

import os
import sys
from pathlib import Path
from typing import Final

from kedge.schemas.records import Command
from kedge.streams.actuator.observed import Observed
from kedge.streams.actuator.symlink import SymlinkRouter
from kedge.streams.trust import KeyRing
from tests.streams.actuator.made import Given, told

__all__ = ["POINTS"]

POINTS: Final = ("before the switch", "after the switch", "before the ack")
KILLED: Final = 99


class DyingRouter(SymlinkRouter):
    """Ends the process in the middle of a switch."""

    def __init__(self, folder: Path, point: str) -> None:
        super().__init__(folder / "current", folder / "versions")
        self._place, self._point = folder, point

    def switch(self, command: Command, expected: str) -> Observed:
        if self._point == "before the switch":
            os._exit(KILLED)
        observed = super().switch(command, expected)
        with (self._place / "effects").open("a") as effects:
            effects.write(f"{observed.version}\n")
        if self._point == "after the switch":
            os._exit(KILLED)
        return observed


def main(folder: Path, point: str) -> None:
    """Live."""
    router = DyingRouter(folder, point)
    given = Given(store=folder / "store", router=router, verifier=KeyRing.load(folder / "trusted.pem"))
    with given.open() as executor:
        for path in sorted((folder / "log").iterdir()):
            read = executor.read(path.read_bytes())
            ack = None if read is None else executor.handle(read, before=False, cancelled=frozenset())
            if point == "before the ack":
                os._exit(KILLED)
            with (folder / "acks").open("a") as acks:
                acks.write(f"{told([ack])[0]}\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
