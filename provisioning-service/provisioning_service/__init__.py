"""Hotspot users, access grants, credentials and subscriptions."""
