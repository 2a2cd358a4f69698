"""`edge-agent doctor`: what is wrong on this site, the likely cause and the remedy."""
