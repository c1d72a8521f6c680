"""Everything that the environment decides, read and judged in one place."""
import os

PLACEHOLDERS = ("your-secure-key", "change_me", "change-me", "changeme")

DATABASE_URL = os.environ.get("DATABASE_URL", "")
REDIS_URL = os.environ.get("REDIS_URL", "")
SECRET_KEY = os.environ.get("AIVALIDATION_SECRET_KEY", "")
CACHE_SECONDS = int(os.environ.get("CACHE_SECONDS", "30"))
# How long to go on trying to reach PostgreSQL and Redis at start. 0: the first failure ends the
# process, because whoever starts this container is expected to have proved both beforehand.
STARTUP_TIMEOUT = float(os.environ.get("STARTUP_TIMEOUT", "0"))
CORS_ORIGINS = [o for o in os.environ.get("CORS_ORIGINS", "").split(",") if o]


def problems():
    """What is wrong with the environment: {variable: reason}; empty when all is well."""
    found = {}
    for name in ("DATABASE_URL", "REDIS_URL", "AIVALIDATION_SECRET_KEY"):
        if not os.environ.get(name):
            found[name] = "missing"
    if SECRET_KEY and len(SECRET_KEY) < 32:
        found["AIVALIDATION_SECRET_KEY"] = "shorter than 32 characters"
    elif any(p in SECRET_KEY.lower() for p in PLACEHOLDERS):
        found["AIVALIDATION_SECRET_KEY"] = "still the placeholder of .env.example"
    return found
