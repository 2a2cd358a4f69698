"""Sentences that travel as English text, found out by their words and said to a person."""
