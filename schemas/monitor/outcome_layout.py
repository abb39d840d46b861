"""Outcomes and the detectors on sequences in a monitor file: what fits which type, which parameter which detector."""

from collections.abc import Iterator, Mapping
from typing import Final

from kedge.schemas.monitor.guard_spec import Measure, OutcomeSpec, OutcomeType, SequentialKind, SequentialSpec
from kedge.schemas.monitor.notes import Problem
from kedge.schemas.monitor.scalars import NAME, Choice, Duration, Json, Number, Text
from kedge.schemas.monitor.shapes import ListOf, MapOf, Section

__all__ = ["OUTCOMES", "SEQUENTIAL"]

_OUTCOMES_MAX: Final = 10
_SEQUENTIAL_MAX: Final = 20
_CLASSES_MAX: Final = 20
_OTHER: Final = "other"
_BINARY_CLASSES: Final = 2
_DAY_MS: Final = 86_400_000
# The harm test looks for losses of up to a half: one that is tolerated must leave it some of them.
_EPSILON_MAX: Final = 0.4
_MEASURES: Final[Mapping[OutcomeType, tuple[Measure, ...]]] = {
    OutcomeType.BINARY: (Measure.POSITIVE_RATE, Measure.ACCURACY),
    OutcomeType.CLASS: (Measure.ACCURACY,),
    OutcomeType.NUMERIC: (Measure.WITHIN_TOLERANCE,),
}


def _outcome_rules(outcome: OutcomeSpec) -> Iterator[Problem]:
    yield from _class_problems(outcome)
    numeric = outcome.type is OutcomeType.NUMERIC
    if numeric and outcome.tolerance is None:
        yield Problem("tolerance", "required: it says which errors of a numeric outcome are good")
    if not numeric and outcome.tolerance is not None:
        yield Problem("tolerance", f"a {outcome.type} outcome has none: it is right or wrong")
    known = _MEASURES[outcome.type]
    if outcome.judged not in known:
        yield Problem("measure", f"{outcome.judged} is not known of a {outcome.type} outcome, expected {_or(known)}")


def _class_problems(outcome: OutcomeSpec) -> Iterator[Problem]:
    if outcome.type is OutcomeType.NUMERIC and outcome.classes:
        yield Problem("classes", "a numeric outcome has no classes")
    if outcome.type is OutcomeType.CLASS and not outcome.classes:
        yield Problem("classes", "required: those that are told apart")
    if outcome.type is OutcomeType.CLASS and _OTHER in outcome.classes:
        yield Problem("classes", f"{_OTHER} is what every class not listed is called")
    if outcome.type is OutcomeType.BINARY and len(outcome.classes) not in {0, _BINARY_CLASSES}:
        yield Problem("classes", f"{len(outcome.classes)} given, expected [negative, positive]")


def _or(measures: tuple[Measure, ...]) -> str:
    return " or ".join(measures)


def _is(key: str, *words: str) -> Json:
    """Return JSON Schema for a mapping that says one of `words` of `key`."""
    return {"properties": {key: {"enum": [str(word) for word in words]}}, "required": [key]}


def _measured(kind: OutcomeType) -> Json:
    return {"enum": [str(measure) for measure in _MEASURES[kind]]}


_OUTCOME_SCHEMA: Final[Json] = {
    "allOf": [
        {
            "if": _is("type", OutcomeType.NUMERIC),
            "then": {
                "required": ["tolerance"],
                "properties": {"classes": False, "measure": _measured(OutcomeType.NUMERIC)},
            },
            "else": {"properties": {"tolerance": False}},
        },
        {
            "if": _is("type", OutcomeType.CLASS),
            "then": {
                "required": ["classes"],
                "properties": {
                    "classes": {"not": {"contains": {"const": _OTHER}}},
                    "measure": _measured(OutcomeType.CLASS),
                },
            },
        },
        {
            "if": {"not": _is("type", OutcomeType.CLASS, OutcomeType.NUMERIC)},
            "then": {
                "properties": {
                    "classes": {"minItems": _BINARY_CLASSES, "maxItems": _BINARY_CLASSES},
                    "measure": _measured(OutcomeType.BINARY),
                }
            },
        },
    ]
}
_OUTCOME: Final = Section(
    OutcomeSpec,
    {
        "type": (Choice.of(OutcomeType), "binary: 0 or 1; class: the true class; numeric: the true value (binary)."),
        "classes": (
            ListOf(Text(), 1, _CLASSES_MAX),
            "Class outcomes: those told apart. Binary ones: the predicted labels, [negative, positive] (['0', '1']).",
        ),
        "tolerance": (Number(0), "Numeric outcomes: the greatest absolute error that is good."),
        "measure": (
            Choice.of(Measure),
            "What must not get worse: positive_rate (binary), accuracy (class), within_tolerance (numeric).",
        ),
        "epsilon": (Number(0, _EPSILON_MAX), "Relative loss that is not yet harm (0.01)."),
        "delay": (
            Duration(0),
            "How long after a window's end its outcomes are judged (10m); no longer than comparison.join_horizon.",
        ),
        "label_horizon": (
            Duration(_DAY_MS),
            "Labels that carry version and time themselves are taken for so long; not at all unless said.",
        ),
    },
    _outcome_rules,
    _OUTCOME_SCHEMA,
)
OUTCOMES: Final = MapOf(NAME, _OUTCOME, _OUTCOMES_MAX)
"""Kinds of outcomes by name."""

_PARAMETERS: Final[Mapping[SequentialKind, tuple[str, ...]]] = {
    SequentialKind.ADWIN: ("delta",),
    SequentialKind.PAGE_HINKLEY: ("delta", "threshold"),
    SequentialKind.KSWIN: ("alpha",),
}


def _foreign(kind: SequentialKind) -> tuple[str, ...]:
    return tuple(name for name in ("delta", "threshold", "alpha") if name not in _PARAMETERS[kind])


def _sequential_rules(spec: SequentialSpec) -> Iterator[Problem]:
    for name in _foreign(spec.detector):
        if getattr(spec, name) is not None:
            known = " and ".join(_PARAMETERS[spec.detector])
            yield Problem(name, f"{spec.detector} has no {name}, expected {known}")
    if spec.detector is SequentialKind.ADWIN and spec.delta is not None and not 0 < spec.delta < 1:
        yield Problem("delta", f"is {spec.delta:g}, expected a significance above 0 and below 1")


_SEQUENTIAL: Final = Section(
    SequentialSpec,
    {
        "detector": (Choice.of(SequentialKind), "adwin, page_hinkley or kswin."),
        "signal": (NAME, "score, errors, or the name of an outcome."),
        "delta": (Number(0), "ADWIN's significance (0.002); the change that Page-Hinkley tolerates (0.005)."),
        "threshold": (Number(0, open=True), "Page-Hinkley's: cumulated change that is a drift (50)."),
        "alpha": (Number(0, 1, open=True), "KSWIN's significance (0.005)."),
    },
    _sequential_rules,
    {
        "allOf": [
            {"if": _is("detector", kind), "then": {"properties": dict.fromkeys(_foreign(kind), False)}}
            for kind in SequentialKind
        ]
        + [
            {
                "if": _is("detector", SequentialKind.ADWIN),
                "then": {"properties": {"delta": {"exclusiveMinimum": 0, "exclusiveMaximum": 1}}},
            }
        ]
    },
)
SEQUENTIAL: Final = ListOf(_SEQUENTIAL, 0, _SEQUENTIAL_MAX)
"""Detectors of concept drift on sequences."""
