"""What the tally's first pass has accepted and its second has yet to count."""

from collections import defaultdict
from collections.abc import Mapping
from typing import Any

from kedge.streams.core.columns import Columns, columns_of_singles
from kedge.streams.core.meter import Stream
from kedge.streams.core.plan import Plan

__all__ = ["Pending"]


class Pending:
    """Rows accepted by the first pass and not yet counted by the second."""

    def __init__(self) -> None:
        self.parts: dict[tuple[Stream, Plan], list[Columns]] = defaultdict(list)
        self.singles: dict[tuple[Stream, Plan], list[Mapping[str, Any]]] = defaultdict(list)
        self.versions: dict[str, set[str]] = defaultdict(set)

    def groups(self) -> Mapping[tuple[Stream, Plan], list[Columns]]:
        """Return the columns of each (stream, plan)."""
        groups = {key: list(parts) for key, parts in self.parts.items()}
        for key, singles in self.singles.items():
            groups.setdefault(key, []).append(columns_of_singles(singles))
        return groups

    def panes_of_singles(self, stream: Stream, plan: Plan) -> frozenset[int]:
        """Return the starts of the panes that single events lie in."""
        pane_ms = plan.windows.pane_ms
        times = [single["timestamp"] for single in self.singles.get((stream, plan), ())]
        return frozenset(time - time % pane_ms for time in times)
