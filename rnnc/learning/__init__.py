"""One file a learning algorithm."""
