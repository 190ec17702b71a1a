"""The Node actor: registers its Node object, sends heartbeats, admits pods, owns the runtime, supervises its pods."""
