"""The words that all rooms share: ids, tags, facts, steps, settings, errors. Imports no room."""
