"""What a decision knows from outside its input and its state: read once, and kept in the journal beside it.

Whoever decides again from the journal is given the same readings, so that nothing else can enter: no clock (`now` is
the entry's timestamp), no catalog as it is today, no key.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final, Protocol

from kedge.schemas.records import Command, Override, Reading
from kedge.schemas.signing import signed_bytes
from kedge.streams.core.guard_means import GuardMeans

__all__ = ["ACTIONS", "DUE", "MONITOR", "ROLLBACKS", "SIGNATURE", "TRUSTED", "LiveReadings", "Readings", "ToldReadings"]

MONITOR: Final = "monitor"
"""Hash of the monitor that was decided by; empty: none is known."""
ACTIONS: Final = "actions"
"""Hash of the monitor whose `actions` were decided by, where it is another: the one that acts by now."""
DUE: Final = "due"
"""Deadlines of the model that a tick found due, by name, with commas between."""
TRUSTED: Final = "trusted"
"""true or false: whether the override's signature counts."""
SIGNATURE: Final = "signature"
"""Hex of the command's signature; the source is the key's id."""
ROLLBACKS: Final = "rollbacks"
"""model@issued_at of the ROUTE_TO_SAFE_PATH commands of the last ten minutes, one a line."""


class Readings(Protocol):
    """Where a decision gets what it needs from outside."""

    @property
    def taken(self) -> tuple[Reading, ...]:
        """What was read so far, in order."""

    def trusts(self, override: Override) -> bool:
        """Return whether an override's signature counts."""

    def signed(self, command: Command) -> tuple[str, bytes]:
        """Return the signer's key id, and its signature of the command under that id."""

    def rollbacks(self) -> tuple[tuple[str, int], ...]:
        """Return model and time of the rollbacks of the last ten minutes, of all models."""


class LiveReadings:
    """Reads now, and notes it."""

    def __init__(self, means: GuardMeans, now_ms: int, given: Sequence[Reading] = ()) -> None:
        self._means = means
        self._now_ms = now_ms
        self._taken = list(given)

    @property
    def taken(self) -> tuple[Reading, ...]:
        """What was read so far, in order."""
        return tuple(self._taken)

    def trusts(self, override: Override) -> bool:
        """Ask the verifier."""
        trusted = self._means.verifier.accepts(override.key_id, signed_bytes(override), override.signature)
        self._note(TRUSTED, override.key_id, "true" if trusted else "false")
        return trusted

    def signed(self, command: Command) -> tuple[str, bytes]:
        """Sign."""
        key_id = self._means.signer.key_id
        signature = self._means.signer.sign(signed_bytes(replace(command, key_id=key_id)))
        self._note(SIGNATURE, key_id, signature.hex())
        return key_id, signature

    def rollbacks(self) -> tuple[tuple[str, int], ...]:
        """Ask whoever reads the control topic."""
        found = tuple(sorted(self._means.rollbacks.recent(self._now_ms)))
        self._note(ROLLBACKS, "control", "\n".join(f"{model}@{at}" for model, at in found))
        return found

    def _note(self, name: str, source: str, value: str) -> None:
        self._taken.append(Reading(name=name, source=source, value=value))


class ToldReadings:
    """Gives out what the journal says was read.

    Raises:
        KeyError: something was asked for that was not asked for then.
    """

    def __init__(self, told: Sequence[Reading]) -> None:
        self._told: Mapping[str, Reading] = {reading.name: reading for reading in told}
        self._taken = [reading for reading in told if reading.name in (MONITOR, ACTIONS, DUE)]

    @property
    def taken(self) -> tuple[Reading, ...]:
        """What was read so far, in order."""
        return tuple(self._taken)

    def trusts(self, override: Override) -> bool:
        """What the verifier said."""
        del override
        return self._take(TRUSTED).value == "true"

    def signed(self, command: Command) -> tuple[str, bytes]:
        """What was signed with, and the signature."""
        del command
        reading = self._take(SIGNATURE)
        return reading.source, bytes.fromhex(reading.value)

    def rollbacks(self) -> tuple[tuple[str, int], ...]:
        """What the control topic held."""
        pairs = (text.rpartition("@") for text in self._take(ROLLBACKS).value.splitlines())
        return tuple((model, int(at)) for model, _, at in pairs)

    def _take(self, name: str) -> Reading:
        reading = self._told[name]
        self._taken.append(reading)
        return reading
