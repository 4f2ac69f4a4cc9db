"""The storage from which a disk is read while access to it is open; not a part of ARM."""
