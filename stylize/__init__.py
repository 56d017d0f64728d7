"""Human-motion stylization: the same action, done in another manner."""

__version__ = "0.4.0"
