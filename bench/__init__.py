"""What performance is claimed of, measured here: `make bench`."""
