"""How a gateway becomes known to central, and its keys are shown and changed."""
