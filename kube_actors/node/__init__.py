"""What a node is made of: runtimes and their contract, the agent on the kernel's side, volumes, images, probes."""
