"""Everything that learns and measures: encoders, estimators, calibration, metrics, splits. Pure."""
