"""The members of projects: people, groups and machine identities."""
