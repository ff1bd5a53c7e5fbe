from annolooop.cli import main

main()
