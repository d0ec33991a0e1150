"""A home as one archive: out of one place, and into another."""
