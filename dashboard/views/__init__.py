"""HTTP in, templates out. One file a room of the page; each view names the ability it needs."""
