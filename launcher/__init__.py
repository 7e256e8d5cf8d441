"""Starts DevinSync on one machine: prepares the data folder and runs every process until it is told to stop.

Imports nothing of the Django applications: what needs Django runs as a command of `manage.py`.
"""
