"""What every web process shares: errors, health, identity, publishing."""
