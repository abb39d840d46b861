"""Is everything that was ever written still readable? Avro's BACKWARD_TRANSITIVE, asked of our own reader."""

from collections.abc import Iterator, Mapping

from kedge.schemas.contracts import current, released
from kedge.schemas.reader import compile_reader
from kedge.schemas.schema import Record

__all__ = ["incompatibilities", "why_unreadable"]


def why_unreadable(writer: Record, reader: Record) -> tuple[str, ...]:
    """Return what of `writer`'s messages `reader` has no place for; nothing: it reads them all.

    Stricter than reading one message: a branch or symbol that this message does not use counts too.
    """
    return compile_reader(writer, reader, {}, {}).problems


def incompatibilities(
    today: Mapping[str, Record] | None = None, before: Mapping[str, Mapping[str, Record]] | None = None
) -> Iterator[str]:
    """Yield in words each thing that a release wrote and that today's schemas cannot read."""
    today = current() if today is None else today
    for version, schemas in (released() if before is None else before).items():
        for name, writer in schemas.items():
            if name not in today:
                yield f"{version} {name}: the record is gone"
                continue
            for problem in why_unreadable(writer, today[name]):
                yield f"{version} {name}.{problem}"
