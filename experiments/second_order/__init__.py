"""Experiments of chapter 02: models that cross pairs of columns."""
