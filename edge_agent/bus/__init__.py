"""What is asked of instruments, and what of their answers counts."""
