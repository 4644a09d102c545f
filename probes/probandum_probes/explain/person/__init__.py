"""One decision, for the person whom it is about."""
