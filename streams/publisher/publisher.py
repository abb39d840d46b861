"""`kedge.Publisher`: what a serving node calls."""

from collections.abc import Callable, Mapping
from time import time
from types import TracebackType
from typing import Self

from kedge.streams.publisher import process
from kedge.streams.publisher.admission import Admission, Refusal, RefusedError, moment
from kedge.streams.publisher.admission import request_id as _request_id
from kedge.streams.publisher.bulk import Given, bulk_of
from kedge.streams.publisher.intake import Item, Stats
from kedge.streams.publisher.outcome import Told, outcome_row
from kedge.streams.publisher.row import Row, text_bytes
from kedge.streams.publisher.session import Session
from kedge.streams.publisher.settings import PublisherSettings
from kedge.streams.publisher.values import code, number
from kedge.streams.publisher.values import label as _label
from kedge.streams.security import KafkaSecurity

__all__ = ["Publisher"]


class Publisher:
    """Sends predictions, and what came of them, to Kafka from a serving node, without ever being in its way.

    `log`, `log_many` and `outcome` append to a bounded queue and return; a background thread does the rest. They never
    raise, whatever they are given, and never wait for anything: rows that find the queue full are dropped and counted,
    and the next batch of their stream carries the count, so that windows downstream say that they are incomplete.
    While Kafka is away rows wait in the queue.

    One publisher serves all threads of a process, and may be made before a server forks its workers: each process
    has a thread, a connection and counters of its own. It sends what is left when it is closed, at the end of the
    process and on SIGTERM, after which whatever handled the signal before goes on.

        >>> publisher = Publisher(brokers="localhost:9092", environment="docs")
        >>> publisher.log("r-1", model="delay", version="7", features={"distance": 733.0, "carrier": "UA"}, score=0.2)
        >>> publisher.stats().logged
        1
        >>> publisher.close(timeout_s=0).logged
        1

    Args:
        brokers: host:port, comma-separated; else `KEDGE_BROKERS`.
        environment: prefix of every topic; else `KEDGE_ENVIRONMENT`.
        registry_url: of a Confluent schema registry; else `KEDGE_REGISTRY_URL`, else none. User and authority are in
            `KEDGE_REGISTRY_…`, or in `settings`.
        security: TLS, and who the publisher is; else `KEDGE_KAFKA_…`, else neither.
        settings: all of it at once, instead of arguments and environment.

    Raises:
        ValueError: the settings are incomplete or contradictory. Nothing else ever raises.
    """

    def __init__(
        self,
        brokers: str | None = None,
        environment: str | None = None,
        *,
        registry_url: str | None = None,
        security: KafkaSecurity | None = None,
        settings: PublisherSettings | None = None,
    ) -> None:
        if settings is None:
            settings = PublisherSettings.from_env(
                security=security, brokers=brokers, environment=environment, registry_url=registry_url
            )
        elif (brokers, environment, registry_url, security) != (None, None, None, None):
            raise ValueError("settings: expected alone, without brokers, environment, registry_url or security")
        self._settings = settings
        self._admission = Admission()
        self._session = Session(settings)
        process.enlist(self)

    def log(  # noqa: PLR0913 - one argument for each thing that a prediction may have
        self,
        request_id: str,
        *,
        model: str,
        version: str,
        features: Mapping[str, object],
        role: str = "PRIMARY",
        score: float | None = None,
        label: str | int | None = None,
        class_scores: Mapping[str, float] | None = None,
        latency_ms: float | None = None,
        error: str | None = None,
        segment: Mapping[str, str] | None = None,
        timestamp: int | None = None,
        probe: bool = False,
    ) -> None:
        """Log one prediction.

        Args:
            request_id: text that primary, shadow and outcome of a request have in common.
            model: its name.
            version: of the model that answered.
            features: values by name: numbers, texts, booleans, numpy's scalars; None or absent: missing. Anything
                else, and NaN, is counted as invalid.
            role: PRIMARY, CANARY or SHADOW.
            score: what was predicted, as a number.
            label: the predicted class.
            class_scores: score of each class.
            latency_ms: how long the answer took, milliseconds.
            error: a short code, where the answer failed; never a message.
            segment: values by segment key.
            timestamp: when, milliseconds since 1970-01-01 UTC; None: now.
            probe: a golden or synthetic request, which windows leave out.
        """
        try:
            admission = self._admission
            values, words = admission.features(features), admission.segment(segment)
            name, fault = _label(label), code(error)
            row = Row(
                admission.stream(model, version, role),
                _request_id(request_id),
                int(time() * 1_000) if timestamp is None else moment(timestamp),
                values,
                number(score),
                name,
                admission.class_scores(class_scores),
                number(latency_ms),
                fault,
                words,
                bool(probe),
                text_bytes(values, words, name, fault),
            )
            self._offer(row)
        except RefusedError as error_:
            self._session.intake.reject(error_.refusal, 1)
        except Exception:  # noqa: BLE001 - an argument's own code may raise anything, and the request must go on
            self._session.intake.reject(Refusal.UNREADABLE, 1)

    def log_many(  # noqa: PLR0913 - one argument for each thing that a prediction may have
        self,
        request_ids: object,
        *,
        model: str,
        version: str,
        features: Mapping[str, object],
        role: str = "PRIMARY",
        score: object = None,
        label: object = None,
        class_scores: Mapping[str, object] | None = None,
        latency_ms: object = None,
        error: object = None,
        segment: Mapping[str, object] | None = None,
        timestamp: object = None,
        probe: object = False,
    ) -> None:
        """Log many predictions by column.

        The arguments are those of `log`, each a numpy array or a sequence with a value for each of `request_ids`
        (features, class scores and segments: a mapping of these). One text, time or truth value stands for all
        rows. None is missing, and so is a masked value; NaN is invalid. Arrays are copied before this returns.
        """
        rows = 1
        try:
            rows = len(request_ids)  # type: ignore[arg-type] # what has no length is refused
            if not rows:
                return
            stream = self._admission.stream(model, version, role)
            given = Given(
                request_ids=request_ids,
                features=features,
                score=score,
                label=label,
                class_scores=class_scores,
                latency_ms=latency_ms,
                error=error,
                segment=segment,
                timestamp=timestamp,
                probe=probe,
            )
            bulk = bulk_of(self._admission, stream, given, int(time() * 1_000))
            self._offer(bulk)
        except RefusedError as error_:
            self._session.intake.reject(error_.refusal, rows)
        except Exception:  # noqa: BLE001 - as in `log`
            self._session.intake.reject(Refusal.UNREADABLE, rows)

    def outcome(  # noqa: PLR0913 - one argument for each thing that an outcome may have
        self,
        request_id: str,
        *,
        model: str,
        observed: float | str,
        kind: str = "label",
        version: str | None = None,
        score: float | None = None,
        label: str | int | None = None,
        predicted_at: int | None = None,
        timestamp: int | None = None,
        segment: Mapping[str, str] | None = None,
    ) -> None:
        """Tell what came of a prediction; never raises or waits, as `log`.

        Args:
            request_id: that of the prediction.
            model: its name.
            observed: a number (True is 1), or a class.
            kind: which of the monitor's outcomes.
            version: that answered; needed, with `predicted_at`, once the prediction is past the join horizon.
            score: what was predicted, for such late labels.
            label: the predicted class, for such late labels.
            predicted_at: when, milliseconds since 1970-01-01 UTC.
            timestamp: when it was observed, milliseconds since 1970-01-01 UTC; None: now.
            segment: values by segment key, for such late labels.
        """
        try:
            told = Told(request_id, model, observed, kind, version, score, label, predicted_at, timestamp, segment)
            row = outcome_row(self._admission, told, int(time() * 1_000))
            self._offer(row)
        except RefusedError as error_:
            self._session.intake.reject(error_.refusal, 1)
        except Exception:  # noqa: BLE001 - as in `log`
            self._session.intake.reject(Refusal.UNREADABLE, 1)

    def stats(self) -> Stats:
        """Return what became of the rows that this process has logged."""
        return self._session.intake.stats()

    def close(self, timeout_s: float | None = None) -> Stats:
        """Send what is there, waiting at most `timeout_s` (else the settings' `close_timeout_ms`); return the counts.

        Rows that are logged afterwards are dropped. To close again does nothing.
        """
        timeout_s = self._settings.close_timeout_ms / 1_000 if timeout_s is None else timeout_s
        process.dismiss(self)
        self._session.stop(timeout_s)
        self._session.join(timeout_s)
        return self.stats()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _offer(self, item: Item) -> None:
        session = self._session
        if not session.started:
            process.watch_signals()
            session.start()
        session.intake.offer(item)

    # --- called by `process`

    @property
    def running(self) -> bool:
        """Whether a thread may have rows on their way."""
        return self._session.started

    def hurry(self) -> None:
        """Send what is collected; returns at once."""
        self._session.hurry()

    def end(self, then: Callable[[], None]) -> None:
        """Close without waiting; `then` is called by the thread when it has ended."""
        self._session.stop(self._settings.close_timeout_ms / 1_000, then)

    def forked(self) -> None:
        """Begin anew in a child: its queue is empty, and nothing of the parent's connection is touched."""
        self._session = Session(self._settings)
