"""The commands for people: what a sweep would find, and how every order stands.

They read Azure as whoever is signed in, by the product's own code, and change nothing.
"""
