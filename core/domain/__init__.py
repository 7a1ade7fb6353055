"""Names and rules of the field, as values. No input or output, nothing else of ours."""
