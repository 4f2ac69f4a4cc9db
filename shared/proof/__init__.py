"""Was this OS disk generalized? The disk is opened, read from outside, and judged.

`examine` is the entry point. `access` opens the disk, `blob` and `ranges` present it as a file,
`filesystems` finds its partitions and file systems, `evidence` reads the files that the guest has
left, `verdict` judges them. `watch` limits the CPU time that a damaged or hostile disk can take.
"""
