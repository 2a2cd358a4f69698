"""What a technician asks of a running agent, or of the port himself."""
