"""Schedulers: one actor per name pods can ask for. `queue` says who is next, `policy` how to choose, `actor` binds."""
