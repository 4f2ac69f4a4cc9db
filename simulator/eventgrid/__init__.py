"""Event Grid as the simulated subscription has it: topics, subscriptions, filters, delivery."""
