"""The live view: what the running agent sees, second by second, on one screen."""
