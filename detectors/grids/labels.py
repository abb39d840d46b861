"""Labels of bins, as short as they can be while every bin's label is its own."""

from collections.abc import Callable, Sequence

OTHER = "OTHER"
UNSEEN = "UNSEEN"
MISSING = "MISSING"
INVALID = "INVALID"

_DIGITS = (4, 6, 9, 17)
"""Significant digits tried in turn; 17 tell any two floats apart."""


def distinct_numbers(numbers: Sequence[float]) -> Callable[[float], str]:
    """A formatter with the fewest digits that still tell the given, different numbers apart.

    >>> distinct_numbers([0.5, 1.0])(1.0)
    '1'
    >>> distinct_numbers([0.123456, 0.123457])(0.123456)
    '0.123456'
    """
    digits = next(
        (digits for digits in _DIGITS if len({f"{number:.{digits}g}" for number in numbers}) == len(set(numbers))),
        _DIGITS[-1],
    )
    return lambda number: f"{number:.{digits}g}"
