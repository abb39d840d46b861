"""Which seeds are run, in both worlds."""

import os
from collections import Counter
from collections.abc import Callable
from typing import Final

__all__ = ["MUTATION_SEEDS", "never_met", "seeds"]

MUTATION_SEEDS: Final = 60
"""Seeds in which whatever can happen happens, and a missing protection shows."""


def seeds(count: int) -> list[int]:
    """Return the seeds to run: so many, or the one that `KEDGE_SIM_SEED` gives."""
    given = os.environ.get("KEDGE_SIM_SEED")
    return list(range(count)) if given is None else [int(given)]


def never_met(troubles: set[str], met_by: Callable[[int], Counter[str]]) -> set[str]:
    """Return the troubles that no seed meets; `met_by` tells what one meets."""
    met = Counter[str]()
    for seed in range(MUTATION_SEEDS):
        met += met_by(seed)
        if met.keys() >= troubles:
            break
    return troubles - met.keys()
