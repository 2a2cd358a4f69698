"""The journal thread."""
