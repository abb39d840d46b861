"""The schemas that this package holds: those it writes, and every one ever released.

`avro/` is what is written today. `released/<version>/` is a copy of `avro/` as that version
wrote it (`python -m kedge.schemas.release VERSION` makes it, once); a reader knows them all, so
whatever any release wrote stays readable without a registry.
"""

from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from types import MappingProxyType
from typing import Final

from kedge.schemas.fingerprint import fingerprint
from kedge.schemas.schema import Record, parse_schema

__all__ = ["current", "known", "read_released", "released", "subject_of", "text_of"]

_NAMESPACE: Final = "kedge"
_ROOT: Final = files("kedge.schemas")


@cache
def current() -> Mapping[str, Record]:
    """Return the schema of each record, by its short name, as it is written today."""
    return MappingProxyType({name: _record(text) for name, text in _texts(_ROOT / "avro")})


@cache
def text_of(name: str) -> str:
    """Return the JSON of the schema that is written today for the record of this short name."""
    return (_ROOT / "avro" / f"{name}.avsc").read_text("utf-8")


def subject_of(name: str) -> str:
    """Return where a registry keeps the schemas of the record of this short name, whatever the topic.

    >>> subject_of("Report")
    'kedge.Report'
    """
    return f"{_NAMESPACE}.{name}"


@cache
def released() -> Mapping[str, Mapping[str, Record]]:
    """Return by version what each release wrote; empty before the first."""
    return read_released(_ROOT)


def read_released(root: Traversable) -> Mapping[str, Mapping[str, Record]]:
    """Return what lies in `root`/released; empty where there is no such folder."""
    folder = root / "released"
    if not folder.is_dir():
        return MappingProxyType({})
    return MappingProxyType(
        {
            version.name: {name: _record(text) for name, text in _texts(version)}
            for version in sorted(folder.iterdir(), key=lambda entry: entry.name)
            if version.is_dir()
        }
    )


@cache
def known() -> Mapping[bytes, Record]:
    """Return by fingerprint every schema that a message may be written with."""
    schemas = [record for version in released().values() for record in version.values()]
    return MappingProxyType({fingerprint(record): record for record in (*schemas, *current().values())})


def _texts(folder: Traversable) -> list[tuple[str, str]]:
    return [
        (entry.name.removesuffix(".avsc"), entry.read_text("utf-8"))
        for entry in sorted(folder.iterdir(), key=lambda entry: entry.name)
        if entry.name.endswith(".avsc")
    ]


def _record(text: str) -> Record:
    schema = parse_schema(text)
    if not isinstance(schema, Record):
        raise TypeError("a contract is a record")
    return schema
