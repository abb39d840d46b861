"""Files as columns."""
