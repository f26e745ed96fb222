"""General helpers: files, images, devices, consoles and optional packages."""
