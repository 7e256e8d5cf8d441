"""The ground floor: what every package may use. Imports nothing of ours."""
