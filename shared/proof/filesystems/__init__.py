"""What lies on a disk: partitions, logical volumes, and the file systems on them."""
