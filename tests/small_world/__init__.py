"""M-Pesa, guests, services and the bus in one process: a test decides what happens when."""
