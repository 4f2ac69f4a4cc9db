"""Was this OS disk generalized? The disk is read from outside the VM, and judged.

`verdict` is the entry point; `shared.cloud.examine` opens the disk and calls it. `ranges` presents
the disk as a file, `filesystems` finds its partitions and file systems, `evidence` judges the files
that the guest has left. `watch` limits the CPU time that a damaged or hostile disk can take.
"""
