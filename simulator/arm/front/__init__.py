"""ARM's front door: the checks that every request passes before it reaches a provider."""
