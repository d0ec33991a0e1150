"""The point-in-time join alone: the examples of a day with the histories that held when it began."""
