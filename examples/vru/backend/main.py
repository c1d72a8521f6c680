"""VRU Validation Platform, the API: what is served where, and what must be there before it is.

Run with: python3 -m uvicorn main:app
"""
from pathlib import Path

import asyncpg
from fastapi import FastAPI, Request
from fastapi.middleware.cors import CORSMiddleware
from fastapi.openapi.docs import get_swagger_ui_html
from fastapi.responses import JSONResponse
from fastapi.staticfiles import StaticFiles

import api
import health_endpoint
import settings
from store import store

STATIC = Path(__file__).parent / "static"

app = FastAPI(title="VRU Validation Platform", version="1.0.0", docs_url=None, redoc_url=None,
              description="Projects, videos and detections of vulnerable road users.")
app.include_router(api.router)
app.include_router(health_endpoint.router)
if settings.CORS_ORIGINS:
    app.add_middleware(CORSMiddleware, allow_origins=settings.CORS_ORIGINS, allow_methods=["*"],
                       allow_headers=["*"])
if STATIC.is_dir():
    app.mount("/static", StaticFiles(directory=STATIC), name="static")


@app.on_event("startup")
async def startup():
    wrong = {k: v for k, v in settings.problems().items() if "placeholder" not in v}
    if wrong:
        raise RuntimeError("environment: " + "; ".join(f"{k} is {v}" for k, v in wrong.items()))
    await store.open()


@app.on_event("shutdown")
async def shutdown():
    await store.close()


@app.exception_handler(OSError)
@app.exception_handler(asyncpg.InterfaceError)
@app.exception_handler(asyncpg.PostgresConnectionError)
async def database_away(request: Request, error: Exception):
    return JSONResponse({"detail": f"the database does not answer: {error}"}, 503,
                        {"Retry-After": "2"})


@app.get("/", include_in_schema=False)
async def root():
    return {"service": app.title, "version": app.version, "docs": "/docs",
            "health": "/health/detailed"}


@app.get("/docs", include_in_schema=False)
async def docs():
    return get_swagger_ui_html(openapi_url="/openapi.json", title=app.title,
                               swagger_js_url="/static/swagger-ui-bundle.js",
                               swagger_css_url="/static/swagger-ui.css",
                               swagger_favicon_url="data:,")
