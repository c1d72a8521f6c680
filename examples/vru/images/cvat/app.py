"""A small annotation tool: frames are uploaded, boxes are drawn on them, PostgreSQL keeps the boxes.

Its environment and /api/server/about are CVAT's, so that either can run behind the same profile.
"""
import os
import re
from pathlib import Path

import asyncpg
from fastapi import FastAPI, HTTPException, Request
from fastapi.responses import FileResponse
from pydantic import BaseModel, Field

DATA = Path("/home/django/data")
MAX_FRAME_BYTES = 16 << 20
SCHEMA = """
CREATE TABLE IF NOT EXISTS boxes (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    frame text NOT NULL, label text NOT NULL,
    x real NOT NULL, y real NOT NULL, w real NOT NULL, h real NOT NULL);
CREATE INDEX IF NOT EXISTS boxes_frame ON boxes (frame);
"""

app = FastAPI(title="Annotation", version="1.0.0", docs_url=None, redoc_url=None)


class Box(BaseModel):
    label: str = Field(min_length=1, max_length=50)
    x: float = Field(ge=0, le=1)
    y: float = Field(ge=0, le=1)
    w: float = Field(gt=0, le=1)
    h: float = Field(gt=0, le=1)


@app.on_event("startup")
async def startup():
    env = os.environ
    app.state.pool = await asyncpg.create_pool(
        host=env["CVAT_POSTGRES_HOST"], port=int(env.get("CVAT_POSTGRES_PORT", "5432")),
        user=env["CVAT_POSTGRES_USER"], password=env["CVAT_POSTGRES_PASSWORD"],
        database=env["CVAT_POSTGRES_DBNAME"], min_size=1, max_size=4, timeout=5)
    await app.state.pool.execute(SCHEMA)


@app.on_event("shutdown")
async def shutdown():
    await app.state.pool.close()


def path_of(frame):
    if not re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}", frame):
        raise HTTPException(400, "a frame's name has letters, digits, dots, dashes and underscores")
    return DATA / frame


@app.get("/")
async def page():
    return FileResponse(Path(__file__).with_name("page.html"), media_type="text/html")


@app.get("/api/server/about")
async def about():
    await app.state.pool.fetchval("SELECT 1", timeout=5)
    return {"name": app.title, "version": app.version}


@app.get("/api/frames")
async def frames():
    return sorted(p.name for p in DATA.iterdir() if p.is_file())


@app.put("/api/frames/{frame}", status_code=201)
async def upload(frame: str, request: Request):
    path, data = path_of(frame), bytearray()
    async for chunk in request.stream():
        data += chunk
        if len(data) > MAX_FRAME_BYTES:
            raise HTTPException(413, "a frame has 16 MiB at most")
    path.write_bytes(data)
    return {"frame": frame}


@app.get("/api/frames/{frame}")
async def frame_image(frame: str):
    path = path_of(frame)
    if not path.is_file():
        raise HTTPException(404, "no such frame")
    return FileResponse(path, headers={"X-Content-Type-Options": "nosniff",
                                       "Content-Security-Policy": "sandbox"})


@app.get("/api/frames/{frame}/boxes")
async def boxes(frame: str):
    return [dict(r) for r in await app.state.pool.fetch(
        "SELECT id, label, x, y, w, h FROM boxes WHERE frame = $1 ORDER BY id", frame)]


@app.post("/api/frames/{frame}/boxes", status_code=201)
async def add_box(frame: str, box: Box):
    if not path_of(frame).is_file():
        raise HTTPException(404, "no such frame")
    ident = await app.state.pool.fetchval(
        "INSERT INTO boxes (frame, label, x, y, w, h) VALUES ($1, $2, $3, $4, $5, $6) RETURNING id",
        frame, box.label, box.x, box.y, box.w, box.h)
    return {"id": ident, **box.dict()}


@app.delete("/api/boxes/{ident}")
async def remove_box(ident: int):
    if await app.state.pool.execute("DELETE FROM boxes WHERE id = $1", ident) == "DELETE 0":
        raise HTTPException(404, "no such box")
    return {"id": ident}
