"""The simulator, compared with what is known of Azure."""
