"""Pure decisions. Every function here takes what is known (and `now`, in epoch seconds) and returns what to do.

No function waits, logs, reads a clock or draws a random number; equal input gives equal output, in a sorted order, and
a plan is empty when nothing is left to do. The actors take a snapshot, ask for a plan, and perform it in order.

Glossary: a *plan* is an attrs value with `actions` to perform, a status to write, `events` to record and `wake_at`, the
time at which to look again if nothing happens before. An *action* is one step of a plan. A *summary* is the little an
actor keeps of an object so that a plan does not need the whole.
"""
