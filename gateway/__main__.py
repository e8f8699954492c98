"""`python -m gateway` is the program `reading-gateway`."""

from gateway.cli.program import main

if __name__ == "__main__":
    main()
