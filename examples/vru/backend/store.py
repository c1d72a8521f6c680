"""PostgreSQL and, in front of it, the Redis cache.

The cache may fail at any time without harm: a miss is the worst that follows. Each collection has a
generation number; a write moves it on, so that what a slow reader stores late is never seen.
"""
import asyncio
import json
import logging
import time

import asyncpg
import redis.asyncio as aioredis

import settings

log = logging.getLogger("uvicorn.error")


class Store:
    def __init__(self):
        self.pool = None
        self.redis = None

    async def open(self):
        deadline = time.monotonic() + settings.STARTUP_TIMEOUT
        while True:
            try:
                await self._connect()
                return
            except (OSError, asyncpg.PostgresError, aioredis.RedisError) as error:
                await self.close()
                if time.monotonic() >= deadline:
                    log.error("cannot start: %s: %s", type(error).__name__, error)
                    raise
            await asyncio.sleep(0.05)

    async def _connect(self):
        self.redis = aioredis.from_url(settings.REDIS_URL, decode_responses=True,
                                       socket_timeout=5, socket_connect_timeout=5)
        self.pool, _ = await asyncio.gather(
            asyncpg.create_pool(settings.DATABASE_URL, min_size=1, max_size=8, timeout=5,
                                command_timeout=15),
            self.redis.ping())

    async def close(self):
        if self.pool is not None:
            await self.pool.close()
        if self.redis is not None:
            await self.redis.close()
        self.pool = self.redis = None

    async def cached(self, collection, key, load):
        """(value, was it a hit). `load` is awaited on a miss; its value must be JSON."""
        name = None
        try:
            generation = await self.redis.get(f"generation:{collection}") or "0"
            name = f"cache:{collection}:{generation}:{key}"
            hit = await self.redis.get(name)
            if hit is not None:
                return json.loads(hit), True
        except aioredis.RedisError as error:
            log.warning("cache not read: %s", error)
        value = await load()
        try:
            if name is not None:
                await self.redis.set(name, json.dumps(value), ex=settings.CACHE_SECONDS)
        except aioredis.RedisError as error:
            log.warning("cache not written: %s", error)
        return value, False

    async def changed(self, *collections):
        """Every cached answer about these collections is out of date from now on."""
        try:
            for collection in collections:
                await self.redis.incr(f"generation:{collection}")
        except aioredis.RedisError as error:
            log.warning("cache not cleared: %s", error)


store = Store()
