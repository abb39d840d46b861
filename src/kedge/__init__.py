"""Kedge: streaming drift detection and rollback for models in production.

The public names are looked up when they are first used, so that importing one room does not import the others.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kedge.streams.actuator.actuator import Actuator
    from kedge.streams.contract import Contract, FeatureType, Validation, WrongType, validate
    from kedge.streams.publisher.intake import Stats
    from kedge.streams.publisher.publisher import Publisher
    from kedge.streams.publisher.settings import PublisherSettings
    from kedge.streams.security import KafkaSecurity

__all__ = [
    "Actuator",
    "Contract",
    "FeatureType",
    "KafkaSecurity",
    "Publisher",
    "PublisherSettings",
    "Stats",
    "Validation",
    "WrongType",
    "validate",
]

_HOMES = {
    "Actuator": "kedge.streams.actuator.actuator",
    "Contract": "kedge.streams.contract",
    "FeatureType": "kedge.streams.contract",
    "KafkaSecurity": "kedge.streams.security",
    "Publisher": "kedge.streams.publisher.publisher",
    "PublisherSettings": "kedge.streams.publisher.settings",
    "Stats": "kedge.streams.publisher.intake",
    "Validation": "kedge.streams.contract",
    "WrongType": "kedge.streams.contract",
    "validate": "kedge.streams.contract",
}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value: object = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOMES})
