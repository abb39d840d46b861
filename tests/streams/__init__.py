"""Tests of the streaming room."""
