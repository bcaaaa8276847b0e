"""What learning a network costs, before anything runs: read off the program and the module that would run."""
