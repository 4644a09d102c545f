"""The system as a whole: what its answers rest on over all rows."""
