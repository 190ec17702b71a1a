"""The command line: one module per command, and the only place with process-wide effects (logging, signals, gc).

`main` starts it; `group` finds commands; `places` finds clusters; `runtime_file` says who runs one. A command's module
imports only what its `--help` needs: the rest is imported when it runs.
"""
