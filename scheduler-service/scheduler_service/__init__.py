"""What is due when, how the system does, and its upkeep."""
