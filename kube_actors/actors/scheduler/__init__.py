"""Schedulers: one actor per name pods can ask for. `queue` says who is next, `nodes` what room there is, `actor` binds."""
