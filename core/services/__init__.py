"""The use cases: one function each, the acting person first. Usable without any screen."""
