"""Microsoft.Network: the network interfaces of VMs."""
