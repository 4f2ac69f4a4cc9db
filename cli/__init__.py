"""The commands: what a sweep would find and do, and the status of every order.

They read Azure as the signed-in user, with the app's own code, and change nothing.
"""
