"""What holds for every test: Hypothesis tries the same examples each time, in whatever time."""

from hypothesis import settings

settings.register_profile("suite", derandomize=True, deadline=None, max_examples=100, database=None)
settings.load_profile("suite")
