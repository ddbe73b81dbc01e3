"""Benchmarks: ``python -m benchmarks`` prints one table, ratios measured within one run."""
