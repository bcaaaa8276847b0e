"""Systems of recurrence equations: build, analyse, interpret."""
