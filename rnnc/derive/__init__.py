"""A network's equations and those of its gradient as a paper writes them."""
