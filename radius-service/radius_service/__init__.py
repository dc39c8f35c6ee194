"""RADIUS for the hotspot: logins, limits worked out at each login, accounting, sessions."""
