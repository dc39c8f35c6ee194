"""The operators' web pages: all that they show or do is a call of the API."""
