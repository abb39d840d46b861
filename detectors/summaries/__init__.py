"""Summaries: integer counts that form a commutative monoid, so that any split of the rows adds up to the same.

Each is a frozen grid or rule with the vector of its counts, usually a view of a slice of a vector over a
`kedge.detectors.layout.Layout`: ``empty`` is zeros, ``update`` counts rows into a new summary, ``merge`` adds vectors.
State never grows with traffic. Of current data no moments are kept: a mean over a pane of one row would be that
row's value, and nothing that is reported needs them.
"""

from kedge.detectors.summaries.categorical import CategoricalSummary
from kedge.detectors.summaries.numeric import NumericSummary
from kedge.detectors.summaries.quality import QualitySummary

__all__ = ["CategoricalSummary", "NumericSummary", "QualitySummary"]
