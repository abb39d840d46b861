"""How an actuator is set up: a frozen dataclass, or `KEDGE_*` variables."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from kedge.schemas.records import Action
from kedge.streams.registry_settings import RegistrySettings
from kedge.streams.settings import KafkaSettings, SettingsError
from kedge.streams.variables.table import ACTUATOR_ID, ACTUATOR_STORE

__all__ = ["ActuatorSettings"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ActuatorSettings:
    """What an actuator needs to know.

    Raises:
        SettingsError: a name is empty, or a number out of its range.
    """

    kafka: KafkaSettings
    actuator_id: str
    """What it is called in acks; a monitor may list which actuators must answer."""
    store: Path
    """Its SQLite file, on a disk that outlives the process: the memory of what it did."""
    actions: frozenset[Action] | None = None
    """What it must answer for; None: whatever a model's router can do. What it is not there for gets no answer; what
    it is there for and the router cannot do is refused as unsupported."""
    registry: RegistrySettings | None = None
    """A schema registry; None: Avro single-object encoding."""
    timeout_s: float = 30.0
    """How long a router's call may take before the process gives up, more than 0."""
    heartbeat_s: float = 60.0
    """Seconds between signs of life, more than 0."""

    def __post_init__(self) -> None:
        if not self.actuator_id.strip():
            raise SettingsError(f"{ACTUATOR_ID.name} is not set: give this actuator a name that no other has")
        if min(self.timeout_s, self.heartbeat_s) <= 0:
            raise SettingsError("timeout_s and heartbeat_s are more than 0")

    @classmethod
    def from_environment(cls, variables: Mapping[str, str], actions: frozenset[Action] | None = None) -> Self:
        """Read `KEDGE_BROKERS`, `KEDGE_ENVIRONMENT`, `KEDGE_REGISTRY_…` and those named above.

        Raises:
            SettingsError: one of them is missing or bad.
        """
        store = ACTUATOR_STORE.read(variables)
        if not store:
            raise SettingsError(
                f"{ACTUATOR_STORE.name} is not set: name a file on a disk that outlives the process; it is the "
                "actuator's memory"
            )
        return cls(
            kafka=KafkaSettings.from_environment(variables),
            actuator_id=ACTUATOR_ID.read(variables),
            store=Path(store),
            actions=actions,
            registry=RegistrySettings.from_environment(variables),
        )
