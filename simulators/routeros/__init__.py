"""RouterOS as far as this project talks to it: menus, the API, scripts, the login page."""
