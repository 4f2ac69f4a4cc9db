"""The Azure clients: the only package that uses the SDKs, HTTP and Azure's JSON."""
