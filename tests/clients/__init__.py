"""Real Azure clients that drive the simulator: `make clients`, which is no part of `make test`."""
