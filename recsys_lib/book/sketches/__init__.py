"""Sketches of the book's models, placed by hand and checked against the built model."""
