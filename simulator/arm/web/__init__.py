"""Microsoft.Web: function apps."""
