"""The storage from which a disk is read once access to it is open: no part of ARM."""
