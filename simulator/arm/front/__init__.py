"""ARM's front door: the checks on every request before it reaches a provider."""
