"""Benchmarks: `make bench` runs every `bench_*.py` of this folder, `make bench ARGS=publisher` the ones so named.

A benchmark is a module with a docstring that says what is measured and `run() -> dict[str, float]`: figures by name,
the unit last in the name (`rows_per_s`, `log_us_p99`, `ratio_to_numpy`). Ratios to a ceiling that is measured in the
same run travel between machines; figures do not.
"""
