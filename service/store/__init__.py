"""Where observations live, and every version of them: one Protocol, engines behind it."""
