"""KSWIN: the last 30 of 100 values against 30 drawn from the 70 before them, by the Kolmogorov-Smirnov test.

It finds changes of shape that leave the mean where it was. Guarantee: each test is wrong with the probability alpha,
and there is one a value: without a change, river's default of 0.005 raises an alarm every 800 independent values or so,
1e-4 one in many thousands. Draws are seeded, so that the same values make the same alarms. Cost: a KS test a value,
about a millisecond. C. Raab, M. Heusinger, F.-M. Schleif: Reactive soft prototype computing for concept drift streams,
Neurocomputing 2020.
"""

from river.drift import KSWIN

from kedge.detectors.sequential.spec import DetectorSpec, SequentialDetector
from kedge.detectors.sequential.wrapped import Wrapped

_WINDOW = 100
_RECENT = 30
_SEED = 1954


def kswin(spec: DetectorSpec) -> SequentialDetector:
    """Make river's KSWIN; takes ``alpha``, the significance of one test (0.005).

    Raises:
        ValueError: another parameter.

    >>> from kedge.detectors.sequential.spec import SequentialKind
    >>> detector = kswin(DetectorSpec(kind=SequentialKind.KSWIN, alpha=1e-4))
    >>> values = [0.5 + 0.01 * (step % 7) for step in range(120)] + [0.8] * 40
    >>> [step for step, value in enumerate(values) if detector.update(value)][:1]
    [136]
    """
    return Wrapped(KSWIN, _WINDOW, window_size=_WINDOW, stat_size=_RECENT, seed=_SEED, **spec.given("alpha"))
