"""`python -m areoseg` is the command `areoseg`."""

from areoseg.cli.app import main

main()
