"""M-Pesa's statement beside our books."""
