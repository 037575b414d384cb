"""Scores with their uncertainty, and the report; it scores exactly what users receive."""
