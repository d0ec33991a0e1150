"""Training from Parquet files to a model: ours, and libraries that hold everything in memory."""
