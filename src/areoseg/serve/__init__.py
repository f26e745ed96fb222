"""The HTTP service and the web page: `areoseg serve`."""
