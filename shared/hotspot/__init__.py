"""The library that all services import: the contract, the bus, what web processes share."""
