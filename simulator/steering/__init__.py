"""Steering: control of the simulation, for which Azure has no API, under `/_sim/`."""
