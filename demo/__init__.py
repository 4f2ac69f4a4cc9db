"""The main job, shown on this machine: `make demo`."""
