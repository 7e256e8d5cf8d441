"""The command line of DevinSync over its REST API."""

# That of the product, see tests/devinsync_site/test_version.py: a client of a release is made for that release.
__version__ = "1.0.0"
