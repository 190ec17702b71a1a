"""`python -m kube_actors`, and what the installed program `kube-actors` runs."""

import sys
from typing import NoReturn


def main() -> NoReturn:
    """Run the command line and end the process; Ctrl-C while it is still being read ends it as quietly as later on."""
    try:
        from kube_actors.cli.main import main as run_command_line
    except KeyboardInterrupt:
        sys.exit(130)
    run_command_line()


if __name__ == "__main__":
    main()
