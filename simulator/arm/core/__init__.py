"""Shared by all providers of ARM: ids, errors, calls and answers, operations, the world."""
