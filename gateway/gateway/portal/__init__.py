"""The guests' pages: choose a package, pay, be logged in at the router, see what is left."""
