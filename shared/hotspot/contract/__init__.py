"""Every exchange, queue, event and job of the system, and the shape of each message."""
