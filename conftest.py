"""Fixtures for every test of the checkout."""

pytest_plugins = ["hotspot.testing.fixtures"]
