"""What training minimises; every loss leaves ignored pixels out through one helper."""
