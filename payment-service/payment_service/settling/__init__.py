"""The one way in which money ends where it belongs, whoever brings the news of it."""
