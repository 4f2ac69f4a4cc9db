"""How the stored disk images are made: with real tools, as root, on a developer's machine."""
