"""Giant pictures: read window by window, and masks of their size written piece by piece."""
