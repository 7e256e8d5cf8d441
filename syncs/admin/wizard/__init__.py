"""The wizard that adds a sync: Source, Destination, Options, Details, Review."""
