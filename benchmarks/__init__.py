"""What this system costs, measured side by side in one run: `./hotspot bench`."""
