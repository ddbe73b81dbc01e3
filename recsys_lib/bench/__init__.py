"""Benchmarks: ``python -m recsys_lib.bench`` prints one table, ratios measured within one run."""
