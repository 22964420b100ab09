"""Releases: `pipeline` makes and checks them, `payload` masks single values, `manifest` verifies finished folders."""
