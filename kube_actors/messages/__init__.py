"""What actors say to each other, one module per receiving actor.

Commands are imperative (`AdmitPod`), facts past tense (`ContainerEnded`), replies named after the command (`Admitted`).
Everything else travels through the store: a latch says *this object changed* and the actor reads it again. The table in
README.md says who tells whom, and why a watch would not do; a test holds a traced rollout against it.
"""
