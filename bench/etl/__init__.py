"""ETL and features: labels, what each night learned, histories as of a day, and that day's rows with their features."""
