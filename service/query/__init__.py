"""SDMX REST strings to queries (syntax), and queries bound to a DSD (selections)."""
