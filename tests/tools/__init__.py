"""Tests of the checkout's own commands."""
