"""`kedge.validate`: which features of a request are not what the model was promised."""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final, Self

from kedge.streams.publisher.values import plain

__all__ = ["Contract", "FeatureType", "Validation", "WrongType", "validate"]


class FeatureType(StrEnum):
    """What a feature's values are."""

    NUMERIC = "numeric"
    CATEGORICAL = "categorical"


@dataclass(frozen=True, slots=True)
class WrongType:
    """A feature whose value is of another type than the contract says; `found` names the type, never the value."""

    feature: str
    expected: FeatureType
    found: str


@dataclass(frozen=True, slots=True)
class Validation:
    """What was found, each sorted by name; holds names and types, no value."""

    missing: tuple[str, ...] = ()
    """In the contract, and absent or None."""
    unexpected: tuple[str, ...] = ()
    """Not in the contract; a name that is no text stands as its type's name in angle brackets."""
    wrong_type: tuple[WrongType, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether the features are exactly those of the contract."""
        return not (self.missing or self.unexpected or self.wrong_type)

    def as_detail(self) -> dict[str, list[str] | list[dict[str, str]]]:
        """Return the findings as JSON can hold them, ready to be the detail of a 422.

        >>> validate({"carrier": 7}, {"carrier": "categorical", "distance": "numeric"}).as_detail()["missing"]
        ['distance']
        """
        return {
            "missing": list(self.missing),
            "unexpected": list(self.unexpected),
            "wrong_type": [
                {"feature": wrong.feature, "expected": wrong.expected.value, "found": wrong.found}
                for wrong in self.wrong_type
            ],
        }


@dataclass(frozen=True, slots=True)
class Contract:
    """Feature name to type.

    Make one at start and hold on to it; `validate` also takes a plain mapping, and makes one of it each time.

    Raises:
        ValueError: a type is neither "numeric" nor "categorical"; names the feature.
    """

    features: Mapping[str, FeatureType]

    def __init__(self, features: Mapping[str, str]) -> None:
        known = {name: _type_of(name, kind) for name, kind in features.items()}
        object.__setattr__(self, "features", MappingProxyType(known))

    @classmethod
    def from_document(cls, document: str) -> Self:
        """Return the contract of a monitor in its JSON form (what `kedge monitor check --json` prints).

        JSON, because a serving node has no YAML parser. A feature without a type is numeric, as in the monitor file.

        >>> Contract.from_document('{"features": {"age": {}, "city": {"type": "categorical"}}}').features["city"].value
        'categorical'

        Raises:
            ValueError: it is no JSON, or has no features.
        """
        monitor = json.loads(document)
        features = monitor.get("features") if isinstance(monitor, dict) else None
        if not isinstance(features, dict) or not features:
            raise ValueError("features: expected a mapping with at least one feature")
        return cls({name: _declared(name, feature) for name, feature in features.items()})


def validate(features: Mapping[str, object], contract: Contract | Mapping[str, str]) -> Validation:
    """Compare the features of one request with a contract.

    A value is read as `Publisher.log` reads it: what is wrongly typed here is what windows would count as invalid.
    So a boolean is categorical ("true", "false"), None is missing, and NaN, infinities, lists and dates are no
    value of either type.

    >>> found = validate({"age": "41", "town": "Bern"}, {"age": "numeric", "city": "categorical"})
    >>> found.ok, found.missing, found.unexpected, found.wrong_type[0].found
    (False, ('city',), ('town',), 'str')
    """
    known = (contract if isinstance(contract, Contract) else Contract(contract)).features
    missing, wrong = [], []
    for name, expected in known.items():
        given = features.get(name)
        value = plain(given)
        if value is None:
            missing.append(name)
        elif not _fits(value, expected):
            wrong.append(WrongType(name, expected, _found(given)))
    unexpected = [_name(name) for name in features if name not in known]
    wrong.sort(key=lambda found: found.feature)
    return Validation(tuple(sorted(missing)), tuple(sorted(unexpected)), tuple(wrong))


_NO_NUMBER: Final = "not a finite number"


def _fits(value: float | str, expected: FeatureType) -> bool:
    if expected is FeatureType.NUMERIC:
        return isinstance(value, float) and math.isfinite(value)
    return isinstance(value, str)


def _found(value: object) -> str:
    return _NO_NUMBER if isinstance(value, float) and not math.isfinite(value) else type(value).__name__


def _name(name: object) -> str:
    return name if isinstance(name, str) else f"<{type(name).__name__}>"


def _declared(name: str, feature: object) -> str:
    if not isinstance(feature, dict):
        raise ValueError(f"features.{name}: expected a mapping")  # noqa: TRY004 - a document's fault, not a caller's
    return str(feature.get("type", FeatureType.NUMERIC.value))


def _type_of(name: str, kind: str) -> FeatureType:
    try:
        return FeatureType(kind)
    except ValueError:
        raise ValueError(f"features.{name}: expected numeric or categorical, not {kind!r}") from None
