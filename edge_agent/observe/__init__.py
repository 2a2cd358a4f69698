"""What the agent tells of itself: log lines, health, metrics, power."""
