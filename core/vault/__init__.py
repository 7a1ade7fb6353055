"""Seals secrets for the store and opens them again. Knows nothing of where they are kept."""
