"""How the guard decides: one model's state, what each input does to it, and what comes of that."""
