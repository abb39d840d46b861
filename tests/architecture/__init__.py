"""What the house promises about itself: imports, sizes, packaging, generated pages."""
