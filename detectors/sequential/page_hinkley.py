"""Page-Hinkley: the sum of deviations from the mean so far, held against the least and the greatest it has been.

Guarantee: none but the threshold's, which is a sum of deviations in the unit of the values: river's default of 50 is
made for large values. Of shares and scores in [0, 1], a shift of s is found after about threshold / (s - delta) values,
so ask for a threshold near 1. Cost: a few numbers. E. S. Page: Continuous inspection schemes, Biometrika 1954.
"""

from river.drift import PageHinkley

from kedge.detectors.sequential.spec import DetectorSpec, SequentialDetector
from kedge.detectors.sequential.wrapped import Wrapped

_LEAST = 30


def page_hinkley(spec: DetectorSpec) -> SequentialDetector:
    """Make river's PageHinkley, to both sides; takes ``delta``, the tolerated change (0.005), and ``threshold`` (50).

    Raises:
        ValueError: another parameter.

    >>> from kedge.detectors.sequential.spec import SequentialKind
    >>> detector = page_hinkley(DetectorSpec(kind=SequentialKind.PAGE_HINKLEY, threshold=1.0))
    >>> [step for step, value in enumerate([0.5] * 60 + [0.8] * 40) if detector.update(value)][:1]
    [63]
    """
    return Wrapped(PageHinkley, _LEAST, min_instances=_LEAST, **spec.given("delta", "threshold"))
