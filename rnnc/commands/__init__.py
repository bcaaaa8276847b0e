"""One file a verb, each with `add_arguments` and `run`, and what verbs share."""
