"""The rules, one idea a module; the tuple RULES lists them."""
