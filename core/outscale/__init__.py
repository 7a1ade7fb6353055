"""The only code that talks to OUTSCALE: its Regions, its API and its object storage."""
