"""The FastAPI app, mounted at ``/api`` beside the pages."""

from fastapi import FastAPI

from api import (
    audits,
    brand_evidence,
    duplicates,
    errors,
    evaluations,
    exports,
    images,
    recommendations,
    review,
    search,
    uploads,
)


def create_api() -> FastAPI:
    """Return the app. Its pages of documentation are off: they load scripts from elsewhere."""
    app = FastAPI(title="Catalens", docs_url=None, redoc_url=None)
    errors.install(app)
    for module in (
        images,
        review,
        uploads,
        exports,
        evaluations,
        audits,
        duplicates,
        brand_evidence,
        search,
        recommendations,
    ):
        app.include_router(module.router)
    return app
