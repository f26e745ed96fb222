"""Read planetary products by their labels: PDS3, PDS4 and VICAR."""
