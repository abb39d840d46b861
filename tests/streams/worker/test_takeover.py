"""What a core says of its position."""

import pytest

from kedge.streams.worker.takeover import position


def test_a_position_is_of_the_source() -> None:
    assert position({}, "predictions") == -1
    assert position({"predictions": 0}, "predictions") == 0


def test_a_position_of_another_name_is_never_taken_for_an_empty_state() -> None:
    with pytest.raises(ValueError, match="its source is predictions"):
        position({"dev.kedge.predictions": 7}, "predictions")
