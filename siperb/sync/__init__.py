"""`Siperb`, on requests and threads; `siperb.aio` is its twin, file by file."""
