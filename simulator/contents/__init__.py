"""The contents of simulated disks: real partition tables and real file systems, byte by byte."""
