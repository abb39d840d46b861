"""`kedge.Actuator`: what obeys commands beside a router."""

import logging
import threading
from collections.abc import Mapping
from typing import Final

from kedge.schemas.codec import Codec
from kedge.schemas.registry import ConfluentRegistry
from kedge.streams.actuator.executor import Executor, Setting, supported
from kedge.streams.actuator.inbox import Inbox
from kedge.streams.actuator.outbox import Outbox
from kedge.streams.actuator.router import Router
from kedge.streams.actuator.rules import Duty
from kedge.streams.actuator.run import Beats, Run
from kedge.streams.actuator.settings import ActuatorSettings
from kedge.streams.actuator.store import Store
from kedge.streams.clock import now_ms
from kedge.streams.core.trusting import Verifier
from kedge.streams.events import ACTUATOR_STARTED
from kedge.streams.names import Topics
from kedge.streams.schemas import Schemas
from kedge.streams.settings import SettingsError
from kedge.streams.variables import all_variables

__all__ = ["Actuator"]

LOG: Final = logging.getLogger("kedge.actuator")

_RECORDS: Final = ("Ack", "Command")


class Actuator:
    """Obeys the guard's commands for some models: each once, whatever crashes.

    `run` reads `control`, and switches a model's router where a command that is signed, in time, in order and new says
    so, on the condition that nobody else has switched it meanwhile. What came of it goes to `acks`.

    Args:
        routers: by model.
        settings: else `KEDGE_BROKERS`, `KEDGE_ENVIRONMENT`, `KEDGE_ACTUATOR_ID`, `KEDGE_ACTUATOR_STORE`.
        verifier: whose signatures count, such as a `KeyRing`; else what `KEDGE_TRUST` and `KEDGE_TRUSTED_KEYS` say.

    Raises:
        SettingsError: something is missing or bad; the message says what to do.
    """

    def __init__(
        self,
        routers: Mapping[str, Router],
        *,
        settings: ActuatorSettings | None = None,
        verifier: Verifier | None = None,
    ) -> None:
        if not routers:
            raise SettingsError("routers: expected a router for at least one model")
        self._settings = settings if settings is not None else ActuatorSettings.from_environment(all_variables())
        self._verifier = verifier if verifier is not None else _verifier(all_variables())
        self._routers = dict(routers)
        self._topics = Topics(self._settings.kafka.environment)
        registry = self._settings.registry
        self._codec = Codec() if registry is None else Codec(ConfluentRegistry(registry.http()))
        self._stopping = threading.Event()

    def stop(self) -> None:
        """Let `run` return after the command that it is at; may be called from a signal handler or another thread."""
        self._stopping.set()

    def run(self) -> None:
        """Obey until `stop`.

        Raises:
            StoreError: the store cannot be used.
            AccessError: Kafka does not let this actuator in.
            MissingError: the topic is not there, or not what the store knows; to start again does not help.
            NotRegisteredError: the schema registry does not have what is read and written here.
            ControlError: Kafka said something that will not pass.
            HungError: a router did not come back. It may still do what it was asked to, so that nothing may be done
                after it in this process: end it, and start it again.
        """
        settings = self._settings
        with Store(settings.store, settings.kafka.environment) as store:
            schemas = Schemas(self._codec, LOG)
            executor = Executor(store, self._setting(), self._codec)
            inbox = Inbox(settings.kafka, self._topics.control, store)
            outbox = Outbox(settings.kafka, self._topics.acks, self._codec)
            try:
                if schemas.prepare(*_RECORDS, stopping=self._stopping) and inbox.open(self._stopping):
                    models = sorted(self._routers)
                    words = f"{settings.actuator_id} obeys the commands of {', '.join(models)}"
                    ACTUATOR_STARTED.tell(LOG, words, actuator_id=settings.actuator_id, models=models)
                    Run(executor, store, outbox, schemas, self._stopping).until_stopped(inbox, self._beats())
            finally:
                inbox.close()
                outbox.close()

    def _beats(self) -> Beats:
        return Beats(sorted(self._routers), self._settings.heartbeat_s)

    def _setting(self) -> Setting:
        duty = Duty(
            environment=self._settings.kafka.environment,
            supported={model: supported(router) for model, router in self._routers.items()},
            asked=self._settings.actions,
        )
        return Setting(
            actuator_id=self._settings.actuator_id,
            duty=duty,
            routers=self._routers,
            verifier=self._verifier,
            clock=now_ms,
            timeout_s=self._settings.timeout_s,
        )


def _verifier(variables: Mapping[str, str]) -> Verifier:
    try:
        from kedge.streams.trust import trust_from_environment  # noqa: PLC0415 - cryptography is an extra
    except ModuleNotFoundError as error:
        if (error.name or "").startswith("kedge"):
            raise
        raise SettingsError("signatures need cryptography: pip install 'kedge[actuator]'") from error
    return trust_from_environment(variables).verifier
