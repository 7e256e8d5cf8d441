"""Who calls the API, from where, how often, and what they may do."""
