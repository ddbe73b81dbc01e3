"""Sets TensorFlow's environment before any test module imports TensorFlow."""

import recsys_lib  # noqa: F401
