"""Whether a deployment is as it should be, seen from outside, and what to do where it is not."""

from kedge.streams.doctor.examine import Examination, examine
from kedge.streams.doctor.finding import Finding, Level

__all__ = ["Examination", "Finding", "Level", "examine"]
