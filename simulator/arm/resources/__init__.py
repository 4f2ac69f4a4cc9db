"""Microsoft.Resources: subscriptions, groups, tags, lists of everything."""
