"""Keeps the running agent to the configuration in force, and carries out what central offers."""
