"""A query to an answer: resolve, bind, guard, read, encode."""
