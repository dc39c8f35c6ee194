"""Fixtures for every test of the checkout."""

# The folder gateway/ has the name of the package in it. Imported first, the package wins; else
# pytest would take the folder for it on its way to gateway/tests.
import gateway.config

assert gateway.config

pytest_plugins = ["hotspot.testing.fixtures", "hotspot.testing.sharing"]
