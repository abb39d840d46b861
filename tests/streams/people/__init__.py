"""What people tell the guard, and what they know of it, without a cluster."""
