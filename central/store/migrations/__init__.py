"""Alembic's environment, as a package, so that it is installed with the program."""
