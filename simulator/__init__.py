"""A simulated Azure subscription on this machine, for trials and tests without a cloud.

Never imports the product (`shared`); never deployed with it.
"""
