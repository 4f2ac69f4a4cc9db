"""What is deployed: template, package, queries, roles, hooks, releases."""
