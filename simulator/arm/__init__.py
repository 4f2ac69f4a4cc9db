"""Azure Resource Manager: what a client of the simulated subscription speaks with."""
