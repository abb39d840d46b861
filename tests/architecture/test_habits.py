"""What the tests promise about themselves, and the code about its clock."""

import ast
from collections.abc import Iterator

from tests.support.repository import ROOMS, ROOT, files

WAITS = {"tests/support/waiting.py"}  # the one place that polls
SLEEPS = ("time.sleep", "asyncio.sleep")


def _calls(suffixes: tuple[str, ...], *folders: str) -> Iterator[tuple[str, str]]:
    for path in files(*(folders or ("tests",)), suffix=".py"):
        for node in ast.walk(ast.parse(path.read_text())):
            name = ast.unparse(node) if isinstance(node, ast.Attribute) else ""
            if name in suffixes:
                yield str(path.relative_to(ROOT)), name


def test_a_test_waits_for_a_condition_and_never_for_a_time() -> None:
    assert [(path, name) for path, name in _calls(SLEEPS) if path not in WAITS] == []


def test_nor_does_a_program_that_a_test_starts() -> None:
    """What such a program waits for is a condition too; what waits to be killed waits for a signal or an event."""
    texts = (
        (str(path.relative_to(ROOT)), node.value)
        for path in files("tests", suffix=".py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    )
    assert [(path, text) for path, text in texts if any(f"{name}(" in text for name in SLEEPS)] == []


def test_no_test_is_skipped_or_expected_to_fail() -> None:
    ways = ("pytest.skip", "pytest.importorskip", "pytest.mark.skip", "pytest.mark.skipif", "pytest.mark.xfail")
    assert list(_calls((*ways, "pytest.xfail"))) == []


def test_the_wall_clock_is_read_in_one_place() -> None:
    ways = ("time.time", "time.time_ns", "dt.datetime.now", "datetime.now", "datetime.utcnow", "dt.datetime.utcnow")
    assert list(_calls(ways, *ROOMS)) == [("streams/clock.py", "time.time_ns")]
