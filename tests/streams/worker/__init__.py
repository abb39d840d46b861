"""The worker's parts that need no broker."""
