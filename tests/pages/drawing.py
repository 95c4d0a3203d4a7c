"""Pages drawn without a browser."""

from typing import Any

from streamlit.testing.v1 import AppTest

from core.actors import Actor


def draw(key: str, *, as_actor: Actor | None = None, **params: str) -> AppTest:
    """Draw one page, for the local user unless somebody else looks."""

    def script(key: str, as_actor: object) -> None:
        from importlib import import_module

        from core.services import database

        actor = as_actor or database.local_actor(database.get_engine())
        import_module(f"pages.{key}").render(actor)

    kwargs = {"key": key, "as_actor": as_actor}
    app = AppTest.from_function(script, kwargs=kwargs, default_timeout=60)
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
