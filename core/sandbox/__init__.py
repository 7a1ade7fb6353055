"""A local OUTSCALE: its API and its object storage, seeded, for demos and tests."""
