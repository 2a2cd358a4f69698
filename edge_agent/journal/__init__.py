"""One SQLite file that survives any kill, and what is done when the disk gives."""
