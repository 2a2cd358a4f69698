"""A damaged journal is put aside, and what can be read of it goes on."""
