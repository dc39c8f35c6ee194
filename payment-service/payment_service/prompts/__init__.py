"""Prompts on payers' phones: asked for once, and asked about until M-Pesa answers."""
