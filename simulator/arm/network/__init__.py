"""Microsoft.Network, as far as a VM names it."""
