"""Stillframe: from a tag on a VM to its image, and no bill for a VM that only looks switched off.

Begin with `events.py` (what an event says to look at), then `reconcile.py` (one visit of one VM).
The rooms: `capture` (the rules of an order), `proof` (was the disk generalized), `costguard` (VMs
that are stopped and still billed), `sweep` (the timer), `cloud` (Azure), `model` (shared words).
"""
