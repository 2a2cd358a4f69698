"""What the logs say: intervals, events, meters' state; derived, never a source."""
