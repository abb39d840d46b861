"""What people tell the guard, and what they can know of it: from the topics alone, as anybody would read them."""
