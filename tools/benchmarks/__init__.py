"""What `tools/bench` measures.

`figures` is the table of goals, `parent` runs each group of figures in a process of its own, `child` is that process;
the other modules measure. A figure is the median of several runs where that takes little time; each module says what
it does before it looks at the clock. Nothing here is a test: no figure makes anything fail.
"""
