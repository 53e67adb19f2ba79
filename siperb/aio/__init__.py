"""`AsyncSiperb`, on aiohttp and tasks; `siperb.sync` is its twin, file by file."""
