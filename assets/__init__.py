"""What the pipeline builds: the only room with Dagster assets, and the book and inbox they are built from."""
