"""Tests of `kedge doctor`."""
