"""`python -m benchmarks`: how fast the engine is, against a simple algorithm and against the physical limit."""
