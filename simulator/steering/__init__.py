"""Steering: what Azure has no API for, under `/_sim/`."""
