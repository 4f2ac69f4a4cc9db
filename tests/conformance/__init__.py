"""The simulator compared with recorded traffic of real Azure, pair by pair."""
