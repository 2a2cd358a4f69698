"""What the gateway is doing now: the snapshot of a running agent, and the commands that show it."""
