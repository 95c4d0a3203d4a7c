"""A small OpenID provider: its own key, discovery, keys, authorization and token endpoints."""

import base64
import hashlib
import json
import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import OctKey, RSAKey

CLIENT_ID, CLIENT_SECRET = "catalens", "the client's secret"


@dataclass
class Provider:
    """What the provider says, changed by a test as it likes.

    Attributes:
        person: Claims about who signs in; ``sub`` at least.
        forged: Claims of the ID token that are not as they should be.
        key: What it signs with; ``keys`` are those it says it has.
        metadata: What its description says otherwise.
    """

    person: dict[str, Any] = field(default_factory=lambda: {"sub": "1001"})
    forged: dict[str, Any] = field(default_factory=dict)
    key: Any = field(default_factory=lambda: RSAKey.generate_key(2048, {"kid": "one"}))
    algorithm: str = "RS256"
    metadata: dict[str, Any] = field(default_factory=dict)
    issuer: str = ""
    codes: dict[str, dict[str, str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.keys = [self.key.as_dict(private=False)]

    def describe(self) -> dict[str, Any]:
        return {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/keys",
        } | self.metadata

    def authorize(self, asked: dict[str, str]) -> str:
        """Sign the person in at once; return where the browser goes back to."""
        assert asked["client_id"] == CLIENT_ID
        assert asked["response_type"] == "code"
        assert asked["code_challenge_method"] == "S256"
        assert "openid" in asked["scope"].split()
        code = secrets.token_urlsafe()
        self.codes[code] = asked
        return f"{asked['redirect_uri']}?{urlencode({'code': code, 'state': asked['state']})}"

    def token(self, asked: dict[str, str], authorization: str) -> tuple[int, dict[str, Any]]:
        """Exchange a code, once, for who has the client's secret and the code's verifier."""
        name, _, secret = base64.b64decode(authorization[6:]).decode().partition(":")
        question = self.codes.pop(asked["code"], None)
        digest = hashlib.sha256(asked.get("code_verifier", "").encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        is_right = (
            question is not None
            and (unquote(name), unquote(secret)) == (CLIENT_ID, CLIENT_SECRET)
            and challenge == question["code_challenge"]
            and asked["redirect_uri"] == question["redirect_uri"]
        )
        if not is_right or question is None:
            return 400, {"error": "invalid_grant"}
        now = int(time.time())
        claims = {
            "iss": self.issuer,
            "aud": CLIENT_ID,
            "iat": now,
            "exp": now + 300,
            "nonce": question["nonce"],
        }
        signed = jwt.encode(
            {"alg": self.algorithm, "kid": "one"},
            claims | self.person | self.forged,
            self.key,
            algorithms=[self.algorithm],
        )
        return 200, {"access_token": "a", "token_type": "Bearer", "id_token": signed}

    def sign_with_a_shared_secret(self) -> None:
        """Sign by the public key taken as a secret: the oldest trick."""
        self.algorithm = "HS256"
        self.key = OctKey.import_key(json.dumps(self.keys[0]), {"kid": "one"})


@contextmanager
def run_provider() -> Iterator[Provider]:
    """Run a provider on a free port."""
    provider = Provider()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            asked = {name: values[0] for name, values in parse_qs(parts.query).items()}
            if parts.path == "/authorize":
                self.send_response(303)
                self.send_header("Location", provider.authorize(asked))
                self.end_headers()
            elif parts.path == "/keys":
                self._answer(200, {"keys": provider.keys})
            elif parts.path == "/.well-known/openid-configuration":
                self._answer(200, provider.describe())
            else:
                self._answer(404, {})

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            asked = {name: values[0] for name, values in parse_qs(body).items()}
            self._answer(*provider.token(asked, self.headers["Authorization"]))

        def _answer(self, status: int, value: dict[str, Any]) -> None:
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.end_headers()
            self.wfile.write(json.dumps(value).encode())

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    provider.issuer = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield provider
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
