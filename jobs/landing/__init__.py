"""Landing files: which ones a night takes in, and how their rows are read."""
