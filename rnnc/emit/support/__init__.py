"""The parts of a generated module that are the same for every network, copied into it as text.

Each file is ordinary, tested Python. What a module says of its own network (NAME, PARAMETERS, shapes, ...) stands in
`facts` here, so that the files type-check by themselves.
"""
