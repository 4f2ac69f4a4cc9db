"""An Azure subscription on this machine, for trying and testing without a cloud.

Never imports the product (`shared`), never deployed with it.
"""
