"""Experiments of chapter 01: memorization and generalization."""
