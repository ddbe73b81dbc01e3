"""Looks, figures, sliders, and guesses drawn beside what was measured."""
