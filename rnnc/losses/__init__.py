"""One record per loss."""
