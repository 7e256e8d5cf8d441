"""Rollouts: a change reaches the canary organizations of a set first, then the others in waves, and stops where too
many fail."""
