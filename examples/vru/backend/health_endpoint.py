"""The six health endpoints. Each check runs when it is asked for, side by side, with a deadline.

200: fine; 503: not fit to serve, and the body says which part and why. /health and
/health/liveness speak for this process alone, so that a broken database never gets it restarted.
"""
import asyncio
import os
import time
from datetime import datetime, timezone

from fastapi import APIRouter, Response

import settings
from store import store

router = APIRouter(prefix="/health", tags=["health"])

TABLES = ("users", "projects", "videos", "annotations", "detections", "validation_results")
DEADLINE = 5.0
STARTED = time.monotonic()


async def timed(check):
    """Runs a check; its dict with status and milliseconds added, failure and time-out included."""
    begin = time.perf_counter()
    try:
        result = {"status": "healthy", **await asyncio.wait_for(check(), DEADLINE)}
    except asyncio.TimeoutError:
        result = {"status": "unhealthy", "error": f"no answer within {DEADLINE:g} s"}
    except Exception as error:  # whatever it is, it makes the part unhealthy and has a reason
        result = {"status": "unhealthy", "error": f"{type(error).__name__}: {error}"}
    result["latency_ms"] = round((time.perf_counter() - begin) * 1000, 2)
    return result


async def database():
    async with store.pool.acquire(timeout=DEADLINE) as db:
        row = await db.fetchrow("SELECT current_database() AS name, current_user AS role, "
                                "current_setting('server_version') AS version, "
                                "pg_is_in_recovery() AS replica")
        found = {r["tablename"] for r in await db.fetch(
            "SELECT tablename FROM pg_tables WHERE schemaname = 'public'")}
    missing = [t for t in TABLES if t not in found]
    state = {"database": row["name"], "user": row["role"], "version": row["version"],
             "replica": row["replica"], "tables": len(TABLES) - len(missing)}
    if missing:
        state.update(status="unhealthy", error="missing tables: " + ", ".join(missing))
    return state


async def redis():
    canary = f"health:{os.getpid()}:{time.monotonic_ns()}"
    await store.redis.ping()
    await store.redis.set(canary, "1", ex=10)
    read = await store.redis.get(canary)
    await store.redis.delete(canary)
    info = await store.redis.info()
    state = {"version": info.get("redis_version"), "role": info.get("role"),
             "memory_bytes": info.get("used_memory"), "clients": info.get("connected_clients")}
    if read != "1":
        state.update(status="unhealthy", error="a value just written could not be read back")
    return state


async def environment():
    found = settings.problems()
    return {"status": "unhealthy", "problems": found} if found else {"problems": {}}


def this_process():
    return {"uptime_seconds": round(time.monotonic() - STARTED, 3),
            "timestamp": datetime.now(timezone.utc).isoformat(timespec="milliseconds")}


def answer(response, body):
    if body["status"] not in ("healthy", "ready", "alive"):
        response.status_code = 503
    response.headers["Cache-Control"] = "no-store"
    return body


@router.get("", summary="Is this process serving?")
async def health(response: Response):
    return answer(response, {"status": "healthy", "service": "backend", **this_process()})


@router.get("/detailed", summary="Every dependency, the environment, and how they hang together")
async def health_detailed(response: Response):
    names = ("database", "redis", "environment")
    parts = dict(zip(names, await asyncio.gather(timed(database), timed(redis),
                                                 timed(environment))))
    failed = [name for name in names if parts[name]["status"] != "healthy"]
    return answer(response, {"status": "unhealthy" if failed else "healthy", "service": "backend",
                             "failed": failed, "checks": parts, **this_process()})


@router.get("/database", summary="Connection, query, tables")
async def health_database(response: Response):
    return answer(response, await timed(database))


@router.get("/redis", summary="Ping, write, read, delete")
async def health_redis(response: Response):
    return answer(response, await timed(redis))


@router.get("/readiness", summary="Fit to take requests?")
async def health_readiness(response: Response):
    db, cache = await asyncio.gather(timed(database), timed(redis))
    ready = db["status"] == cache["status"] == "healthy"
    return answer(response, {"status": "ready" if ready else "not ready",
                             "database": db["status"], "redis": cache["status"]})


@router.get("/liveness", summary="Alive at all?")
async def health_liveness(response: Response):
    return answer(response, {"status": "alive", **this_process()})
