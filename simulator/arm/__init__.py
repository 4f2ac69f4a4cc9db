"""Azure Resource Manager: the API of the simulated subscription."""
