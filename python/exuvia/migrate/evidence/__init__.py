"""Evidence: what each process saw, written so that a kill loses at most a torn tail, and read back."""
