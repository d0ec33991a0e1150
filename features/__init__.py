"""Pure transformations: DataFrame in, DataFrame out. What a feature means is said here once, for training and scoring."""
