"""What crosses a boundary."""
