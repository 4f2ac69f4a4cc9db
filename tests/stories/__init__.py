"""Stories: tests of the whole product against the simulated subscription, over https."""
