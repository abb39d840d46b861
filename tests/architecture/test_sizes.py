"""A module that needs scrolling has two subjects."""

from tests.support.repository import ROOMS, ROOT, files

LINES_MAX = 300


def test_no_module_is_longer_than_a_reader_can_hold() -> None:
    long = {
        str(path.relative_to(ROOT)): lines
        for path in files(*ROOMS, suffix=".py")
        if (lines := len(path.read_text().splitlines())) > LINES_MAX
    }
    assert long == {}
