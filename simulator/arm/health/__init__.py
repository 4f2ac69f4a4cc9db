"""Microsoft.ResourceHealth."""
