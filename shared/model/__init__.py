"""The types that all packages share: ids, tags, facts, steps, settings, errors."""
