"""Microsoft.Authorization: locks and permissions."""
