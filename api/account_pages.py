"""The pages of signing in: plain HTML that needs no script and nothing from elsewhere."""

from html import escape
from urllib.parse import quote

from starlette.responses import HTMLResponse

from api.identity import LOGIN, LOGOUT, PASSWORD, PROVIDER_START
from core.passwords import MIN_LENGTH

HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "; ".join(
        (
            "default-src 'none'",
            "style-src 'unsafe-inline'",
            "img-src data:",
            "form-action 'self'",
            "frame-ancestors 'none'",
            "base-uri 'none'",
        )
    ),
}

# Colours, radius and type are those of .streamlit/config.toml.
_STYLE = """
:root { color-scheme: light dark; --page: #f3f6f8; --card: #fff; --text: #0b161f; --soft: #4c5a66;
  --line: #8796a3; --main: #0f6f78; --on-main: #fff; --bad: #a72437; --bad-page: #fbeaec; }
@media (prefers-color-scheme: dark) { :root { --page: #10171d; --card: #18222a; --text: #e3eaef;
  --soft: #a9b6c0; --line: #6b7b88; --main: #6cc5cc; --on-main: #0b161f; --bad: #ef9aa4;
  --bad-page: #341c21; } }
* { box-sizing: border-box; }
body { margin: 0; min-height: 100vh; display: grid; place-items: center; padding: 1rem;
  background: var(--page); color: var(--text); font: 15px/1.5 system-ui, sans-serif; }
main { width: 100%; max-width: 24rem; background: var(--card); border-radius: 10px;
  padding: 2rem; box-shadow: 0 1px 4px rgb(0 0 0 / .15); }
h1 { font-size: 1.5rem; font-weight: 650; margin: 0 0 .25rem; }
p { margin: 0 0 1rem; color: var(--soft); }
.problem { background: var(--bad-page); color: var(--bad); border-radius: 8px;
  padding: .6rem .8rem; }
label { display: block; font-weight: 600; margin-top: 1rem; }
small { display: block; color: var(--soft); }
input { width: 100%; font: inherit; color: inherit; background: transparent; margin-top: .25rem;
  border: 1px solid var(--line); border-radius: 8px; padding: .55rem .7rem; }
button, .button { display: block; width: 100%; margin-top: 1.5rem; font: inherit; font-weight: 600;
  text-align: center; text-decoration: none; color: var(--on-main); background: var(--main);
  border: 1px solid var(--main); border-radius: 8px; padding: .6rem; cursor: pointer; }
.quiet { color: var(--text); background: transparent; border-color: var(--line); }
.or { text-align: center; margin: 1.25rem 0 0; }
a { color: var(--main); }
:focus-visible { outline: 3px solid var(--main); outline-offset: 2px; }
"""


def login_page(
    *, next_path: str, provider: str = "", problem: str = "", status: int = 200
) -> HTMLResponse:
    """The form for name and password, below a button for the provider where there is one."""
    hidden = f'<input type="hidden" name="next" value="{escape(next_path)}">'
    return _page(
        "Sign in",
        f"""
<p>Catalens, the catalog review</p>
{_problem(problem)}
{_provider_button(provider, next_path)}
<form method="post" action="{LOGIN}">
{hidden}
<label for="name">Name</label>
<input id="name" name="name" autocomplete="username" autocapitalize="none" required autofocus>
<label for="password">Password</label>
<input id="password" name="password" type="password" autocomplete="current-password" required>
<button type="submit">Sign in</button>
</form>""",
        status,
    )


def password_page(
    *, name: str, is_one_time: bool, problem: str = "", status: int = 200
) -> HTMLResponse:
    """The form for a new password."""
    current = "One-time password" if is_one_time else "Current password"
    words = "Choose a password of your own; the one-time password ends with it."
    way_back = '<a class="button quiet" href="/">Back</a>'
    return _page(
        "Choose a password",
        f"""
<p>{words if is_one_time else "All your other sessions end with it."}</p>
{_problem(problem)}
<form method="post" action="{PASSWORD}">
<input type="hidden" name="username" value="{escape(name)}" autocomplete="username">
<label for="current">{current}</label>
<input id="current" name="current" type="password" autocomplete="current-password" required>
<label for="new">New password <small>At least {MIN_LENGTH} characters; a few words are
better than signs.</small></label>
<input id="new" name="new" type="password" autocomplete="new-password" required>
<label for="again">New password again</label>
<input id="again" name="again" type="password" autocomplete="new-password" required>
<button type="submit">Change password</button>
</form>
{_logout_form() if is_one_time else way_back}""",
        status,
    )


def logout_page(*, name: str) -> HTMLResponse:
    """The question whether to sign out: a link alone, which anybody can set, does nothing."""
    return _page(
        "Sign out?",
        f"""
<p>You are signed in as {escape(name)}.</p>
<form method="post" action="{LOGOUT}"><button type="submit">Sign out</button></form>
<a class="button quiet" href="/">Stay</a>""",
    )


def _provider_button(provider: str, next_path: str) -> str:
    if not provider:
        return ""
    address = f"{PROVIDER_START}?next={quote(next_path, safe='/')}"
    return f"""<a class="button" href="{escape(address)}">Sign in with {escape(provider)}</a>
<p class="or">or by name and password</p>"""


def _logout_form() -> str:
    return f"""<form method="post" action="{LOGOUT}">
<button class="quiet" type="submit">Sign out</button></form>"""


def _problem(problem: str) -> str:
    return f'<p class="problem" role="alert">{escape(_sentence(problem))}</p>' if problem else ""


def _sentence(words: str) -> str:
    return f"{words[:1].upper()}{words[1:].rstrip('.')}."


def _page(title: str, body: str, status: int = 200) -> HTMLResponse:
    html = f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title} · Catalens</title>
<link rel="icon" href="data:,">
<style>{_STYLE}</style>
</head>
<body><main><h1>{title}</h1>{body}</main></body>
</html>"""
    return HTMLResponse(html, status, headers=HEADERS)
