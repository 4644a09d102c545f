"""Models that people can read, beside the system: one that imitates it, one that competes with it."""
