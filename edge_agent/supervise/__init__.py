"""The agent under its supervisor: ready, alive while all threads make progress, why it ended."""
