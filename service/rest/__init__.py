"""The SDMX REST views and the one table of errors."""
