"""The simulator held against recorded traffic of real Azure, pair by pair."""
