"""The pure part of streaming: panes, counting, closing, deciding. No IO, no clock, no randomness."""
