"""Microsoft.Compute: VMs, disks, snapshots, images, galleries."""
