"""`python -m rocketpy`: see `rocketpy.cli.main`."""

from rocketpy.cli import main

main()
