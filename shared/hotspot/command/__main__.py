"""`python -m hotspot.command`: what `./hotspot` becomes once its environment stands."""

from hotspot.command.cli import main

main()
