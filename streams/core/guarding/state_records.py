"""A model's state as records of the guard's state topic: one of the model, and one a stream of its history.

The model's changes with every input and is small; of streams only those that an input changes are recorded anew.
"""

import json
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Final

from kedge.detectors.verdict import Verdict
from kedge.schemas.codec import Codec
from kedge.schemas.records import GuardModel, GuardStream, Role, SignalHistory
from kedge.streams.core.guarding.history import SignalKey, Stream, StreamKey, Track
from kedge.streams.core.guarding.model import ModelState

__all__ = ["MODEL", "STREAM", "changes", "restored"]

MODEL: Final = b"model"
STREAM: Final = b"stream"
"""What the keys of a model's and of a stream's record begin with."""

_NONE: Final = "."
_LETTERS: Final[Mapping[Verdict, str]] = MappingProxyType({v: v.name[0] for v in Verdict if v.judged})
_VERDICTS: Final[Mapping[str, Verdict]] = MappingProxyType({letter: v for v, letter in _LETTERS.items()})


def changes(codec: Codec, model: ModelState) -> dict[bytes, bytes | None]:
    """Record what of a model's state has changed since the last call; None: the record is gone."""
    incident, records = model.incident, dict[bytes, bytes | None]()
    model.history.hold(() if incident is None else incident.signals)
    for key, stream in model.history.take_unsaved().items():
        message = None if stream is None else codec.encode(_record(model.model, key, stream))
        if model.digest.put(key, message):
            records[_key(model.model, key)] = message
    message = codec.encode(model.record())
    model.digest.put_model(message)
    records[MODEL + model.model.encode()] = message
    return records


def restored(codec: Codec, message: bytes, streams: Iterable[bytes]) -> ModelState:
    """Return the state of a model's record and its streams' records; the inverse of `changes`."""
    model = ModelState.of(codec.decode(message, GuardModel))
    model.digest.put_model(message)
    for part in streams:
        record = codec.decode(part, GuardStream)
        key = StreamKey(record.version, record.role.value, record.segment)
        stream = _stream(key, record)
        model.digest.put(key, part)
        model.history.put(key, stream)
        if model.incident is not None:
            model.incident.signals |= stream.held
    return model


def _key(model: str, key: StreamKey) -> bytes:
    return STREAM + json.dumps([model, *key], separators=(",", ":")).encode()


def _record(model: str, key: StreamKey, stream: Stream) -> GuardStream:
    windows = tuple(sorted({start for track in stream.tracks.values() for start in track.windows}))
    unders = sorted({track.under for track in stream.tracks.values()})
    places = {under: place for place, under in enumerate(unders)}

    def signal(name: SignalKey, track: Track) -> SignalHistory:
        return SignalHistory(
            kind=name.kind,
            signal=name.signal,
            verdicts="".join(_LETTERS[track.windows[w]] if w in track.windows else _NONE for w in windows),
            under=places.get(track.under, 0),
            counts_from=track.counts_from,
            began=track.began,
            held=name in stream.held,
        )

    names = sorted({*stream.tracks, *stream.held})
    return GuardStream(
        model=model,
        version=key.version,
        role=Role(key.role),
        segment=key.segment,
        windows=windows,
        unders=tuple(unders),
        signals=tuple(signal(name, stream.tracks.get(name, Track(""))) for name in names),
    )


def _stream(key: StreamKey, record: GuardStream) -> Stream:
    stream = Stream()
    for signal in record.signals:
        name = SignalKey(*key, signal.kind, signal.signal)
        told = zip(record.windows, signal.verdicts, strict=True)
        windows = {start: _VERDICTS[letter] for start, letter in told if letter != _NONE}
        if windows:
            stream.tracks[name] = Track(record.unders[signal.under], signal.counts_from, signal.began, windows)
        if signal.held:
            stream.held.add(name)
    return stream
