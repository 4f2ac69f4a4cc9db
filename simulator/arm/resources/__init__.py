"""Microsoft.Resources: subscriptions, resource groups, tags, lists of all resources."""
