"""What of a gap between groups each feature accounts for, and whether explanations say so."""
