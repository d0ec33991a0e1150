"""What the weekly maintenance does to the home, subject by subject."""
