"""Where secrets are kept: the seam that syncs read through, and one package for each kind of source."""
