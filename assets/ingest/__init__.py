"""Input formats: one module each, discovered by its FORMAT value."""
