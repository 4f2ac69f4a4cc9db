"""Temporary VMs: an image is booted before it is captured; rules, and the visit that uses them."""
