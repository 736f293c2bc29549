"""A small POSIX shell: parser, expansion, interpreter, builtins, and its prompt.

It runs as a process of a container's kernel and starts the tools as its children. Not here: job
control beyond `&`, `wait` and Ctrl-C; arrays and the other extensions of bash.
"""

from cluster.runtime.shell.interpreter import Shell, main

__all__ = ["Shell", "main"]
