"""What we and our users test with."""
