"""Detectors of concept drift on a sequence of numbers, river's, behind one protocol.

They tell that a sequence has changed, not whether that is bad, and know nothing of baselines. Needs river.
"""

from kedge.detectors.sequential.series import CATALOGUE, SERIES_MAX, Sequence, SequentialState, fold
from kedge.detectors.sequential.spec import DetectorSpec, SequentialDetector, SequentialKind

__all__ = [
    "CATALOGUE",
    "SERIES_MAX",
    "DetectorSpec",
    "Sequence",
    "SequentialDetector",
    "SequentialKind",
    "SequentialState",
    "fold",
]
