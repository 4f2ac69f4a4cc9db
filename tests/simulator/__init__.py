"""The simulator, held to what is known of Azure."""
