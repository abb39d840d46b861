"""A serving node as gunicorn runs it: a publisher made before the fork, a model that answers at once."""

import atexit
import json
import os
from collections.abc import Callable, Iterable
from dataclasses import asdict
from pathlib import Path


def _say() -> None:
    Path(os.environ["STATS"], str(os.getpid())).write_text(json.dumps(asdict(publisher.stats())))


atexit.register(_say)  # before the publisher's own: it is called after it

from kedge import Publisher  # noqa: E402 - see above

publisher = Publisher()


def app(environ: dict[str, str], start_response: Callable[[str, list[tuple[str, str]]], object]) -> Iterable[bytes]:
    """Log as many predictions as the path says, half of them by row and half by column."""
    request, _, rows = environ["PATH_INFO"].lstrip("/").partition("/")
    keys = [f"{request}-{row}" for row in range(int(rows))]
    half = len(keys) // 2
    for place, key in enumerate(keys[:half]):
        publisher.log(key, model="delay", version="7", features={"distance": float(place), "carrier": "UA"}, score=0.5)
    publisher.log_many(
        keys[half:], model="delay", version="7", features={"distance": [1.0] * (len(keys) - half)}, label="late"
    )
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"ok"]
