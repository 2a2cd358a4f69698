"""Looks into the log of the gateway: events, alarms, history; beside an agent and without one."""
