"""What hypothesis draws for the publisher's tests."""

from typing import Any

from hypothesis import strategies as st

from kedge.streams.publisher.row import Row, Stream
from tests.streams.publisher.readback import make_row

STREAMS = [Stream("delay", "7", "PRIMARY"), Stream("delay", "8", "CANARY"), Stream("fraud", "7", "PRIMARY")]

names = st.sampled_from(["a", "b", "c", "ü" * 30, "d"])
texts = st.one_of(st.sampled_from(["UA", "AA", ""]), st.text(st.characters(exclude_categories=["Cs"]), max_size=40))
numbers = st.floats(allow_nan=False, width=32)
values = st.one_of(numbers, texts, st.none(), st.booleans(), st.integers(-100, 100))
optional_number = st.one_of(st.none(), numbers)


@st.composite
def answers(draw: st.DrawFn) -> dict[str, Any]:
    """All of a prediction but request id and stream."""
    return {
        "features": draw(st.dictionaries(names, values, max_size=5)),
        "score": draw(optional_number),
        "label": draw(st.one_of(st.none(), texts)),
        "class_scores": draw(st.dictionaries(names, numbers, max_size=2)),
        "latency_ms": draw(optional_number),
        "error": draw(st.one_of(st.none(), st.sampled_from(["timeout", "oom"]))),
        "segment": draw(st.dictionaries(names, texts, max_size=2)),
        "timestamp": draw(st.integers(-(2**63), 2**63 - 1)),
        "probe": draw(st.booleans()),
    }


@st.composite
def rows(draw: st.DrawFn) -> Row:
    """A row of one of three streams."""
    key = draw(st.text("abc", min_size=1, max_size=5))
    return make_row(key, stream=draw(st.sampled_from(STREAMS)), **draw(answers()))
