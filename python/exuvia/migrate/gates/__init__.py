"""Gates: the verdict on what was seen, with its bounds."""
