"""The command `./hotspot`: sets up, starts, stops and operates the whole system on one machine."""
