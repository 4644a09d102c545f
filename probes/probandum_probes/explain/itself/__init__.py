"""What a system says of its own reasons, against what it does."""
