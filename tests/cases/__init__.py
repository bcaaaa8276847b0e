"""Reference cases from independent implementations, stated in the language: numbers here, equations in these modules."""
