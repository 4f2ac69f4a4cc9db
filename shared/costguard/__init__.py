"""The cost guard: VMs that are stopped but not deallocated, and what is done about their bill."""
