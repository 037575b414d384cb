"""The regions of a label raster as polygons, and files of them for maps and slide viewers."""
