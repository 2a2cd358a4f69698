"""The gateway's keys and their change."""
