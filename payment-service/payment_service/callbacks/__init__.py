"""What M-Pesa says by itself: taken in whatever is down, kept, and believed where it may be."""
