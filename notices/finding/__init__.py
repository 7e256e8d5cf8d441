"""What is so now, read from where it stands anyway: a few statements a look, and nothing is written."""
