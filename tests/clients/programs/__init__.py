"""Programs as users write them, each with another client library; they print what they saw."""
