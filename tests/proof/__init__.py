"""What is read of disks, without a cloud."""
