"""What `make demo` shows: sample data, one sync of it, and a look at the result."""
