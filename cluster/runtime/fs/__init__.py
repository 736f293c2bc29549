"""A container's files: a tree in memory, made when somebody looks into the container.

Errors are OSErrors, whose texts are the ones that the tools print. Not here: who may read what
(everybody is root), and what the images and volumes hold.
"""

from cluster.runtime.fs.nodes import Device, Directory, File, Link, Node
from cluster.runtime.fs.tree import FileSystem

__all__ = ["Device", "Directory", "File", "FileSystem", "Link", "Node"]
