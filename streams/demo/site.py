"""Where the model is served: versions, a link to the one that the canary's flights go to, and who may move it."""

import logging
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from kedge.streams.actuator import Actuator, ActuatorSettings, SymlinkRouter
from kedge.streams.demo.rollout import VERSION_1, VERSION_2
from kedge.streams.settings import KafkaSettings
from kedge.streams.trust import KeyRing, SigningKey
from kedge.streams.variables.table import SIGNING_KEY_FILE, TRUST, TRUSTED_KEYS

__all__ = ["Site"]

_STOP_S: Final = 10.0


class Site:
    """A folder with `versions/`, `current` and the keys of this run; an actuator that obeys the guard there."""

    def __init__(self, folder: Path) -> None:
        """Version 1 serves."""
        self._folder = folder
        self._current, self._versions = folder / "current", folder / "versions"
        for version in (VERSION_1, VERSION_2):
            (self._versions / version).mkdir(parents=True)
        self._point_to(VERSION_1)
        self.key = SigningKey.generate()
        self._private, self._trusted = folder / "signing.key", folder / "trusted.pem"
        self._private.touch(mode=0o600)
        self._private.write_bytes(self.key.private_pem())
        self._trusted.write_bytes(self.key.public_pem())
        self._actuator: Actuator | None = None
        self._thread: threading.Thread | None = None

    @property
    def current(self) -> str:
        """The version that the link leads to."""
        return self._current.readlink().name

    @property
    def frozen(self) -> bool:
        """Whether the guard has frozen the rollout."""
        return (self._folder / ".current.frozen").exists()

    def trust(self) -> Mapping[str, str]:
        """Return the variables of a worker that signs with this run's key, and trusts no other."""
        return {
            TRUST.name: "keys",
            SIGNING_KEY_FILE.name: str(self._private),
            TRUSTED_KEYS.name: str(self._trusted),
        }

    def obey(self, kafka: KafkaSettings, model: str) -> None:
        """Start the actuator, on a thread."""
        # What it says at a first start would stand amid the story.
        logging.getLogger("kedge.actuator").addHandler(logging.NullHandler())
        settings = ActuatorSettings(kafka=kafka, actuator_id="demo-router", store=self._folder / "actuator.db")
        router = SymlinkRouter(self._current, self._versions)
        self._actuator = Actuator({model: router}, settings=settings, verifier=KeyRing([self.key.public_pem()]))
        self._thread = threading.Thread(target=self._actuator.run, name="actuator", daemon=True)
        self._thread.start()

    def start_canary(self) -> None:
        """Deploy version 2, as whoever releases models does."""
        self._point_to(VERSION_2)

    def close(self) -> None:
        """Stop the actuator."""
        if self._actuator is not None and self._thread is not None:
            self._actuator.stop()
            self._thread.join(_STOP_S)

    def _point_to(self, version: str) -> None:
        draft = self._folder / "next"
        draft.symlink_to(Path("versions") / version)
        draft.replace(self._current)
