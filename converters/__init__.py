"""National files to datasets and findings. No HTTP, no store: runs on a laptop."""
