"""What a node is made of: the runtime contract and its implementations, the agent that owns the kernel's side, volumes, images and probes."""
