"""Shadow: the candidate runs beside legacy and leaves no trace in the trading program."""
