"""Replay: files in, the same reports out."""
