"""The Functions host on this machine: an app's functions behind the real host's own endpoints."""
