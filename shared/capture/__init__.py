"""The rules of an order. Pure: what was read about a VM -> the next step, and what to report."""
