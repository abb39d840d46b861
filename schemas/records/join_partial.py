"""What tally tells judge of joined requests."""

from dataclasses import dataclass

from kedge.schemas.records.enums import JoinKind, Role

__all__ = ["JoinPartial"]


@dataclass(frozen=True, slots=True, kw_only=True)
class JoinPartial:
    """Cumulative integer counts of one source partition for one (kind, version, control, role, segment, plan, pane).

    Replaces its predecessor; never added to it.
    """

    source: int
    kind: JoinKind
    outcome: str
    """Name of the outcome; empty for pairs."""
    model: str
    version: str
    """Of the candidate, or of the answer that the outcome is of."""
    control: str
    """Version that the pair's other answer is of; empty for outcomes, and where what is counted is not of pairs but of
    this version's own answers: of the candidate or, in role PRIMARY, of the control."""
    role: Role
    """Of the version; of labels, which do not say, PRIMARY."""
    segment: str
    """Empty: all rows. Else key=value."""
    monitor: str
    """Monitor hash."""
    baseline: str
    """Baseline hash of the version, for pairs of the control; empty: none."""
    pane_start: int
    """Milliseconds since 1970-01-01 UTC; the pane of the prediction, for pairs of the primary's."""
    pane_ms: int
    through: int
    """Offset of `predictions` that these counts include."""
    bins: int
    """Length of the counts vector."""
    counts: bytes
    """`kedge.schemas.packed.pack_signed` over the layout of pairs or outcomes (`kedge.detectors`)."""
    flags: int = 0
    """Bit 0: the deduplication bound was passed, so that counts may hold duplicates."""
