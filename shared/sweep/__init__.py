"""The timer's way: list the subscriptions, visit the VMs that are due, report what was found."""
