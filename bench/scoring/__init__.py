"""Scoring: rows with features in Parquet files, and probabilities out."""
