"""What all of the package needs: paths, sources of notebooks, durations."""
