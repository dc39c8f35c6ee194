"""Guests who show a receipt, and access that goes to another device."""
