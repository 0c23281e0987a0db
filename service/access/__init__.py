"""Who calls: accounts with their API tokens, and what each may maintain."""
