"""Experiments of chapter 07, one request."""
