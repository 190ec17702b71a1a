"""The Node actor: registers its Node object, sends heartbeats, admits pods, owns the runtime and supervises its pods."""
