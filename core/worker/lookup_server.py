"""The worker's side of ``core.services.lookup_door``: a small server for this machine alone."""

import logging
import secrets
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np

from core.errors import CatalogError
from core.imaging import encode_jpeg
from core.services.lookup_door import HOST, SPACE_HEADER, Address, announce, withdraw
from core.services.lookups import PhotoEmbedder
from core.settings import Settings
from core.worker.stopping import WorkerStopping, through_outages

log = logging.getLogger(__name__)

WARMED_AFTER_S = 5.0
"""So long after its start a worker loads its networks, if no work made it do so before."""

CLOSE_TIMEOUT_S = 5.0

_BLANK_PX = 64


class LookupServer:
    """Embeds photos at once, one at a time, from a while after the worker's start to its end."""

    def __init__(self, settings: Settings, embedder: PhotoEmbedder, stop: threading.Event) -> None:
        self._settings = settings
        self._embedder = embedder
        self._stop = stop
        self._turn = threading.Lock()
        self._token = secrets.token_urlsafe()
        self._thread = threading.Thread(target=self._run, name="lookups", daemon=True)

    def start(self) -> None:
        self._thread.start()

    @property
    def max_bytes(self) -> int:
        """Of a photo; the door takes none that is larger."""
        return self._settings.max_file_bytes

    def close(self) -> None:
        """Wait until it listens no more; ``stop`` is set by who calls."""
        if self._thread.ident is not None:  # it was started
            self._thread.join(CLOSE_TIMEOUT_S)

    def answer(self, data: bytes) -> tuple[str, bytes]:
        """Return space and vector of a photo.

        Raises:
            CatalogError: It cannot be embedded.
        """
        with self._turn:
            return self._embedder.embed(lambda: data)

    def _run(self) -> None:
        if self._stop.wait(WARMED_AFTER_S):
            return
        try:
            through_outages(self._stop, self._warm)
        except WorkerStopping:
            return
        with ThreadingHTTPServer((HOST, 0), _make_handler(self, self._token)) as server:
            address = Address(server.server_port, self._token)
            serving = threading.Thread(target=server.serve_forever, name="lookups", daemon=True)
            serving.start()
            announce(self._settings, address)
            self._stop.wait()
            withdraw(self._settings, address)
            server.shutdown()

    def _warm(self) -> None:
        """Load the networks and run one: the first forward pass takes several times as long."""
        blank = np.full((_BLANK_PX, _BLANK_PX, 3), 255, np.uint8)
        try:
            self.answer(encode_jpeg(blank, max_side_px=_BLANK_PX))
        except CatalogError as error:
            log.warning("photos cannot be searched by: %s", error)


def _make_handler(server: LookupServer, token: str) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        """One photo a request."""

        wbufsize = -1  # head and body leave together, or the body waits for an acknowledgement
        disable_nagle_algorithm = True

        def do_POST(self) -> None:
            said = self.headers.get("Authorization", "")
            if not secrets.compare_digest(said.encode(), f"Bearer {token}".encode()):
                self._say(403, b"")
                return
            size_bytes = self.headers.get("Content-Length", "")
            if not size_bytes.isdecimal() or int(size_bytes) > server.max_bytes:
                self._say(413, b"")
                return
            try:
                space, vector = server.answer(self.rfile.read(int(size_bytes)))
            except CatalogError as error:
                self._say(422, str(error).encode())
            else:
                self._say(200, vector, space)

        def log_message(self, *_: object) -> None:
            """Say nothing of each request."""

        def _say(self, status: int, body: bytes, space: str = "") -> None:
            self.send_response(status)
            self.send_header(SPACE_HEADER, space)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    return Handler
