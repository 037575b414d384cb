"""What people start: the command line now, the studio and servers later. Apps do not know each other."""
