"""Machine code without its compiler: what Python calls, how it is made once, kept, and loaded again."""
