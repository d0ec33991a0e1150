"""Long-running services: Airflow, the MLflow pages and the report pages, all on the loopback address."""
