"""Pure transformations, DataFrame in, DataFrame out: what a feature means, said once for training and scoring."""
