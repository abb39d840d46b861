"""The pure core, by values alone."""
