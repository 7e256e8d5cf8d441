"""One search over all that has a page, and over what can be done: Ctrl+K, and a page for whoever has no scripts."""
