"""The rules of an order. Pure: what was read of a VM -> what to do next, and what to say of it."""
