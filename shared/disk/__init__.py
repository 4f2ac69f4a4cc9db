"""Reading a disk from outside: its bytes by ranges, its volumes, what its files say.

The way of a proof: `access` opens the disk, `blob` and `ranges` make a file of it, `volumes` finds
what lies on it, `windows` and `linux` read the evidence, `verdict` weighs it. `watch` sees to it
that no disk, however broken or hostile, takes more than its share.
"""
