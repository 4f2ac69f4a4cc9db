"""The sweep: list the subscriptions, visit the VMs that are due, report what was found."""
