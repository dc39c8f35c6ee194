"""Money without service: where each payment stands, and what is done about the rest."""
