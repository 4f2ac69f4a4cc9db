"""Was this OS disk generalized? The disk is opened, read from outside, and judged.

`examine` is the way in. `access` opens the disk, `blob` and `ranges` make a file of it,
`filesystems` finds what lies on it, `evidence` reads what the guest has left there, `verdict`
weighs it. `watch` bounds the CPU time that a broken or hostile disk can take.
"""
