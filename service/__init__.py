"""The exchange service: query, store, formats, validation, registry, submission, answers, REST, pages."""
