"""What to show next: like one listing but not all alike, and by what a shopper looked at."""
