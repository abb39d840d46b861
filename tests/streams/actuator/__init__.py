"""What obeys commands."""
