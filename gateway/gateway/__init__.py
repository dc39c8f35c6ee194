"""The door of the system: clients' calls, operators, live events, timelines."""
