"""`python -m guard` is the command `guard`."""

from guard.cli.main import main

main()
