"""The JSON API: the same rows as the pages, for programs."""
