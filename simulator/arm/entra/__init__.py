"""Entra and the identity endpoints: who a caller is."""
