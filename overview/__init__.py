"""The first page of the admin: what runs, what is due, what needs a person."""
