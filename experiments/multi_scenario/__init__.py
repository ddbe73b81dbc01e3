"""Chapter 06: models of several scenarios."""
