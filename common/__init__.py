"""The ground floor: small things that every package may use. Imports nothing of ours."""
