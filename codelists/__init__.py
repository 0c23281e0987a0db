"""The lowest room: identity, item schemes and code lists, with the artefact files of both."""
