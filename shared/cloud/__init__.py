"""Azure, as Stillframe asks it and tells it: the only room that knows the SDKs, HTTP and JSON."""
