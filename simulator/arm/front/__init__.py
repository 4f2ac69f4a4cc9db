"""ARM's front door: what every request passes before a provider sees it."""
