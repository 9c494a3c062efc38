"""The commands of `amana`, one module each: read the arguments, call one room, print the answer.

Called by: `amana.commands.lazy`, which imports the module of the one command that runs and calls its `register`.

Invariants:
- A command module holds no rule of the domain. It chooses words, columns and the exit status.
- Exit status 0: all is well. 1: something was refused, or is not as it should be. 2: configuration or usage.
"""
