"""ADWIN: a window that grows while nothing changes, and is cut where two parts of it have different means.

Guarantee: for values in [0, 1] without a change, a cut comes with a probability of about delta at most. Two parts, of
m values as their harmonic mean, must lie about 6/m apart or more: a shift of 0.3 is found after some 40 values, one of
0.05 hardly ever before the window's bound. Cost: a logarithm of the window. It looks after every value (river's own
default is every 32nd one), because a value here is the mean of a pane. A. Bifet, R. Gavaldà: Learning from
time-changing data with adaptive windowing, SDM 2007.
"""

from river.drift import ADWIN

from kedge.detectors.sequential.spec import DetectorSpec, SequentialDetector
from kedge.detectors.sequential.wrapped import Wrapped

_LEAST = 10


def adwin(spec: DetectorSpec) -> SequentialDetector:
    """Make river's ADWIN; takes ``delta``, its significance (0.002).

    Raises:
        ValueError: another parameter.

    >>> from kedge.detectors.sequential.spec import SequentialKind
    >>> detector = adwin(DetectorSpec(kind=SequentialKind.ADWIN))
    >>> values = [0.4 + 0.01 * (step % 3) for step in range(100)] + [0.8] * 60
    >>> [step for step, value in enumerate(values) if detector.update(value)][:1]
    [137]
    """
    return Wrapped(ADWIN, _LEAST, clock=1, grace_period=_LEAST, **spec.given("delta"))
