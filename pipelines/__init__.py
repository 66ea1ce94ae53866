"""How it runs: definitions, schedules, sensors, the command line and the sample company."""
