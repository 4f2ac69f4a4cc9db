"""Microsoft.Compute: machines, disks, snapshots, images, galleries."""
