"""The command line of DevinSync over its REST API."""
