"""What the tests of every service share. Imported by tests only."""
