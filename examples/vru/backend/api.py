"""Projects, their videos, and what was detected in those: read through the cache, written to both."""
from typing import List, Literal, Optional

import asyncpg
from fastapi import APIRouter, HTTPException, Response
from pydantic import BaseModel, Field

from store import store

router = APIRouter(prefix="/api")

# Collections whose answers hold counts of a collection that changes.
AFFECTED = {"projects": ("projects", "videos", "detections"), "videos": ("projects", "videos", "detections"),
            "detections": ("videos", "detections")}


class ProjectIn(BaseModel):
    name: str = Field(min_length=1, max_length=200)
    description: str = Field("", max_length=2000)


class Project(ProjectIn):
    id: int
    created_at: str
    videos: int


class VideoIn(BaseModel):
    project_id: int
    filename: str = Field(min_length=1, max_length=255)
    duration_seconds: float = Field(0, ge=0)
    fps: float = Field(30, gt=0)


class Video(VideoIn):
    id: int
    status: str
    created_at: str
    detections: int


class DetectionIn(BaseModel):
    video_id: int
    vru_type: Literal["pedestrian", "cyclist", "motorcyclist", "wheelchair", "scooter"]
    at_seconds: float = Field(ge=0)
    confidence: float = Field(ge=0, le=1)


class Detection(DetectionIn):
    id: int
    created_at: str


PROJECTS = """SELECT p.id, p.name, p.description, p.created_at::text,
                     (SELECT count(*) FROM videos v WHERE v.project_id = p.id) AS videos
              FROM projects p"""
VIDEOS = """SELECT v.id, v.project_id, v.filename, v.duration_seconds, v.fps, v.status,
                   v.created_at::text,
                   (SELECT count(*) FROM detections d WHERE d.video_id = v.id) AS detections
            FROM videos v"""
DETECTIONS = "SELECT id, video_id, vru_type, at_seconds, confidence, created_at::text FROM detections"


async def listing(response, collection, key, query, *arguments):
    async def load():
        return [dict(row) for row in await store.pool.fetch(query, *arguments)]
    rows, hit = await store.cached(collection, key, load)
    response.headers["X-Cache"] = "hit" if hit else "miss"
    return rows


async def one(query, ident, what):
    row = await store.pool.fetchrow(query, ident)
    if row is None:
        raise HTTPException(404, f"there is no {what} {ident}")
    return dict(row)


async def insert(collection, query, *arguments):
    try:
        ident = await store.pool.fetchval(query, *arguments)
    except asyncpg.ForeignKeyViolationError:
        raise HTTPException(404, f"what this belongs to does not exist: {arguments[0]}") from None
    await store.changed(*AFFECTED[collection])
    return ident


async def remove(collection, ident):
    done = await store.pool.execute(f"DELETE FROM {collection} WHERE id = $1", ident)
    if done == "DELETE 0":
        raise HTTPException(404, f"there is no such entry: {ident}")
    await store.changed(*AFFECTED[collection])


@router.get("/projects", response_model=List[Project], tags=["projects"])
async def list_projects(response: Response):
    return await listing(response, "projects", "all", PROJECTS + " ORDER BY p.id")


@router.post("/projects", response_model=Project, status_code=201, tags=["projects"])
async def add_project(new: ProjectIn):
    ident = await insert("projects", "INSERT INTO projects (name, description) VALUES ($1, $2) "
                         "RETURNING id", new.name, new.description)
    return await get_project(ident)


@router.get("/projects/{ident}", response_model=Project, tags=["projects"])
async def get_project(ident: int):
    return await one(PROJECTS + " WHERE p.id = $1", ident, "project")


@router.put("/projects/{ident}", response_model=Project, tags=["projects"])
async def change_project(ident: int, new: ProjectIn):
    await store.pool.execute("UPDATE projects SET name = $2, description = $3 WHERE id = $1",
                             ident, new.name, new.description)
    await store.changed("projects")
    return await get_project(ident)


@router.delete("/projects/{ident}", status_code=204, response_class=Response, tags=["projects"])
async def remove_project(ident: int):
    await remove("projects", ident)


@router.get("/videos", response_model=List[Video], tags=["videos"])
async def list_videos(response: Response, project_id: Optional[int] = None):
    return await listing(response, "videos", project_id or "all", VIDEOS +
                         " WHERE $1::bigint IS NULL OR v.project_id = $1 ORDER BY v.id", project_id)


@router.post("/videos", response_model=Video, status_code=201, tags=["videos"])
async def add_video(new: VideoIn):
    ident = await insert("videos", "INSERT INTO videos (project_id, filename, duration_seconds, fps) "
                         "VALUES ($1, $2, $3, $4) RETURNING id",
                         new.project_id, new.filename, new.duration_seconds, new.fps)
    return await get_video(ident)


@router.get("/videos/{ident}", response_model=Video, tags=["videos"])
async def get_video(ident: int):
    return await one(VIDEOS + " WHERE v.id = $1", ident, "video")


@router.delete("/videos/{ident}", status_code=204, response_class=Response, tags=["videos"])
async def remove_video(ident: int):
    await remove("videos", ident)


@router.get("/detections", response_model=List[Detection], tags=["detections"])
async def list_detections(response: Response, video_id: Optional[int] = None):
    return await listing(response, "detections", video_id or "all", DETECTIONS +
                         " WHERE $1::bigint IS NULL OR video_id = $1 ORDER BY at_seconds, id",
                         video_id)


@router.post("/detections", response_model=Detection, status_code=201, tags=["detections"])
async def add_detection(new: DetectionIn):
    ident = await insert("detections", "INSERT INTO detections (video_id, vru_type, at_seconds, "
                         "confidence) VALUES ($1, $2, $3, $4) RETURNING id",
                         new.video_id, new.vru_type, new.at_seconds, new.confidence)
    return await one(DETECTIONS + " WHERE id = $1", ident, "detection")


@router.delete("/detections/{ident}", status_code=204, response_class=Response, tags=["detections"])
async def remove_detection(ident: int):
    await remove("detections", ident)
