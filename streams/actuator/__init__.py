"""What obeys commands beside a router: `kedge.Actuator`, what it needs of a router, and ready handlers."""

from kedge.streams.actuator.actuator import Actuator
from kedge.streams.actuator.callback import CallbackRouter
from kedge.streams.actuator.observed import Observed
from kedge.streams.actuator.router import ConflictError, HungError, Rollout, Router, RouterError
from kedge.streams.actuator.settings import ActuatorSettings
from kedge.streams.actuator.symlink import SymlinkRouter
from kedge.streams.actuator.webhook import WebhookRouter

__all__ = [
    "Actuator",
    "ActuatorSettings",
    "CallbackRouter",
    "ConflictError",
    "HungError",
    "Observed",
    "Rollout",
    "Router",
    "RouterError",
    "SymlinkRouter",
    "WebhookRouter",
]
