"""File systems made of dictionaries, for rules about which file is where."""

from collections.abc import Mapping

from shared.proof.filesystems.files import Entry, Type

type Tree = dict[str, "Tree | str"]
"""A folder by its names; a text is a file, one that begins with `->` a link."""


class Files:
    """A file system that holds a tree."""

    def __init__(self, tree: Tree, *specs: str, clean: bool = True) -> None:
        self.specs = frozenset(specs)
        self._nodes: list[Tree | str] = [tree]
        self._clean = clean
        self.root = 0

    def is_clean(self) -> bool:
        """Whether nothing waits in its journal."""
        return self._clean

    def list(self, folder: int) -> Mapping[str, Entry]:
        """Return what a folder holds."""
        tree = self._nodes[folder]
        assert isinstance(tree, dict)
        return {name: self._entry(name, node) for name, node in tree.items()}

    def read(self, file: int, limit: int) -> bytes:
        """Return the first bytes of a file, or of a link's target."""
        text = self._nodes[file]
        assert isinstance(text, str)
        return text.removeprefix("->").encode()[:limit]

    def _entry(self, name: str, node: Tree | str) -> Entry:
        self._nodes.append(node)
        if isinstance(node, dict):
            kind = Type.FOLDER
        else:
            kind = Type.LINK if node.startswith("->") else Type.FILE
        return Entry(name, kind, len(self._nodes) - 1)
