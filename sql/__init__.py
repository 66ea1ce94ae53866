"""The models, and the engine that runs one. No Dagster here."""
