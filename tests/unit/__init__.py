"""The pure parts, and the spine with a fake of the cloud: no socket, no process."""
