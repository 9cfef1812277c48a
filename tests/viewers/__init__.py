"""Viewers of others, as a hospital has them: fetched from their registry, served from an origin of their own.

In: a node's DICOMweb address. Out: a page that a browser opens.
"""
