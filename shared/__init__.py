"""Stillframe: from a tag on a VM to its image, and no bill for a VM that only looks switched off.

`reconcile.py` is the spine and the place to begin.
"""
