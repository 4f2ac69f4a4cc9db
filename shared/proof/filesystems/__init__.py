"""The partitions and logical volumes of a disk, and the file systems on them."""
