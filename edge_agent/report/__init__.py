"""A gas day out of the journal."""
