"""Codes that give access: made one by one and in batches, printed, redeemed."""
