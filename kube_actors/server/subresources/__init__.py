"""Parts of objects with an address of their own."""
