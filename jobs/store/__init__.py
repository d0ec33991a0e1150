"""Tables and the engine: Iceberg tables of Parquet files, read and written by a Spark-compatible engine."""
