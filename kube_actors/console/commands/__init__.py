"""The command lines of the console, grouped as people think of them."""
