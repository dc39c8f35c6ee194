"""M-Pesa as this service talks to it: requests, their errors, and the reading of what it says."""
