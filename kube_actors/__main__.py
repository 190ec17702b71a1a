"""`python -m kube_actors`."""

from kube_actors.cli.main import main

if __name__ == "__main__":
    main()
