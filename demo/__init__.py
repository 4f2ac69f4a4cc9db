"""Demonstrate the product on this machine: `make demo`."""
