"""What source code says of itself: imports, names, docstrings."""
