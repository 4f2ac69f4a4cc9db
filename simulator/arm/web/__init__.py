"""Microsoft.Web, as far as a function app needs it."""
