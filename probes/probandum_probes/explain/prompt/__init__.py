"""What a decision rests on of each segment of a prompt."""
