"""The command line: a command parses, calls one function, renders, exits."""
