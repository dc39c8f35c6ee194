"""Routers: from a box on a shelf to a working hotspot in one paste."""
