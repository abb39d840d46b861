"""The actuator beside the router: it obeys the guard's commands, each once, and answers for them.

The router is a link, `current -> versions/v2`, that the serving node reads; leading it to another version moves the
traffic. `kedge actuator run --handler symlink` does that without a line of Python. What is written here is what a
router of your own may do otherwise: its frozen rollout is a file of another name, without an end.
"""

import logging
import signal
import sys
from pathlib import Path

from kedge import Actuator
from kedge.schemas.records import Command
from kedge.streams.actuator import SymlinkRouter

SITE = Path("/srv/kedge")
MODEL = "delay"


class Router(SymlinkRouter):
    """The link, and the file `frozen` beside it."""

    def __init__(self) -> None:
        super().__init__(SITE / "current", SITE / "versions")
        self._frozen = SITE / "frozen"

    def freeze(self, command: Command) -> None:
        """Let no new version in; a drill goes all the way and changes nothing."""
        if not command.drill:
            self._frozen.write_text(command.incident)

    def resume(self, command: Command) -> None:
        """Let new versions in again."""
        if not command.drill:
            self._frozen.unlink(missing_ok=True)


def main() -> None:
    """Obey until SIGTERM."""
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(asctime)s %(name)s %(message)s")
    # KEDGE_BROKERS, KEDGE_ENVIRONMENT, KEDGE_REGISTRY_URL, KEDGE_ACTUATOR_ID, KEDGE_ACTUATOR_STORE, KEDGE_TRUSTED_KEYS
    actuator = Actuator({MODEL: Router()})
    signal.signal(signal.SIGTERM, lambda *_: actuator.stop())
    actuator.run()


if __name__ == "__main__":
    main()
