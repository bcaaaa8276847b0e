"""Reference cases from independent implementations, stated in the language."""
