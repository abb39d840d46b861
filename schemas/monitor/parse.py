"""Monitor files in, monitor files out."""

import hashlib
import json
from typing import Any, Final, cast

from kedge.schemas.monitor.layout import MONITOR
from kedge.schemas.monitor.notes import FAILED, Notes, Problem
from kedge.schemas.monitor.spec import MonitorSpec

__all__ = ["MonitorError", "monitor_hash", "monitor_json_schema", "parse_monitor", "to_document"]

_CHARACTERS_MAX: Final = 1_000_000
_HASH_DIGITS: Final = 16


class MonitorError(ValueError):
    """A monitor file is refused; `problems` are all of them, in the file's order of sections."""

    def __init__(self, source: str, problems: tuple[Problem, ...]) -> None:
        count = "1 problem" if len(problems) == 1 else f"{len(problems)} problems"
        super().__init__("\n  ".join((f"{source}: {count}", *map(str, problems))))
        self.source = source
        self.problems = problems


def parse_monitor(text: str, source: str) -> MonitorSpec:
    """Return what a monitor file says; `source` names it in the `MonitorError` that lists all its problems.

    JSON is read as JSON, anything else as YAML 1.2 (which needs PyYAML, as `kedge[service]` has it).

    >>> parse_monitor('{"model": "fraud", "owner": "risk"}', "monitor.json").windows.length_ms
    300000
    """
    notes = Notes()
    try:
        document = _load(text)
    except ValueError as error:
        raise MonitorError(source, (Problem("", str(error)),)) from error
    if not isinstance(document, dict):
        raise MonitorError(source, (Problem("", "expected a mapping that begins with model and owner"),))
    spec = MONITOR.read(document, "", notes)
    if spec is FAILED:
        raise MonitorError(source, tuple(notes.problems))
    return cast("MonitorSpec", spec)


def to_document(spec: MonitorSpec) -> str:
    """Return the canonical JSON: keys sorted, defaults left out, durations in seconds; `parse_monitor` reads it."""
    return json.dumps(MONITOR.write(spec), sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def monitor_hash(document: str) -> str:
    """Return the first 16 hex digits of the SHA-256 of a canonical document: the monitor's identity."""
    return hashlib.sha256(document.encode()).hexdigest()[:_HASH_DIGITS]


def monitor_json_schema() -> dict[str, Any]:
    """Return the JSON Schema of the file, for editors.

    It refuses nothing that `parse_monitor` takes, and lets pass what JSON Schema cannot say: that one value must be
    greater than, or a multiple of, another.
    """
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Kedge monitor file",
        "description": "What is watched of one model, and what becomes of a drift.",
        **MONITOR.json_schema(),
    }


def _load(text: str) -> object:
    if len(text) > _CHARACTERS_MAX:
        raise ValueError(f"longer than {_CHARACTERS_MAX} characters")
    if text.lstrip().startswith("{"):
        try:
            return json.loads(text, object_pairs_hook=_once, parse_constant=_refuse_constant)
        except json.JSONDecodeError:
            pass  # YAML has such mappings too
        except RecursionError as error:
            raise ValueError("nested too deeply") from error
    # Only those who write files by hand need PyYAML: a published document is JSON.
    from kedge.schemas.monitor.yaml_text import load_yaml  # noqa: PLC0415

    return load_yaml(text)


def _once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    values = dict(pairs)
    if len(values) != len(pairs):
        raise ValueError("one key twice")
    return values


def _refuse_constant(name: str) -> object:
    raise ValueError(f"{name} is no number")
