"""Pages drawn without a browser."""

from typing import Any

from streamlit.testing.v1 import AppTest


def draw(key: str, **params: str) -> AppTest:
    """Draw one page for the local user."""

    def script(key: str) -> None:
        from importlib import import_module

        from core.services import database

        actor = database.local_actor(database.get_engine())
        import_module(f"pages.{key}").render(actor)

    app = AppTest.from_function(script, kwargs={"key": key}, default_timeout=60)
    for name, value in params.items():
        app.query_params[name] = value
    app.run()
    assert not app.exception
    return app


def words(app: AppTest) -> str:
    """All text on the page."""
    parts: list[Any] = [*app.title, *app.subheader, *app.markdown, *app.caption, *app.info]
    parts += [*app.error, *app.code, *app.button]
    return "\n".join(str(getattr(part, "label", None) or part.value) for part in parts)
