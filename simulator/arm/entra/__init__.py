"""Entra and the managed-identity endpoints."""
