"""Names for the array types that the detectors pass around."""

from typing import TypeAlias

import numpy as np
import numpy.typing as npt

Floats: TypeAlias = npt.NDArray[np.float64]
Counts: TypeAlias = npt.NDArray[np.int64]
"""Rows a bin: never negative, never scaled."""
Bins: TypeAlias = npt.NDArray[np.intp]
"""A bin index a row, in the type that ``np.bincount`` takes without a copy."""
Mask: TypeAlias = npt.NDArray[np.bool_]
Hashes: TypeAlias = npt.NDArray[np.uint64]
Numbers: TypeAlias = npt.NDArray[np.int64] | npt.NDArray[np.float64]
"""Counts, or shares and counts divided by a design effect."""
