"""Chapter 05: what tasks gain and lose by sharing, and what is done about it."""
