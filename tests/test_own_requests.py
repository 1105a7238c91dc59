"""Prefect's server, as it is started here, answers its own machine and dashboard only."""

import http.client
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from pipelines.orchestration.server import running

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path_factory.mktemp("workspace"))
        patch.setenv("PYTHONPATH", str(Path(__file__).parents[1]))
        patch.delenv("PREFECT_API_URL", raising=False)
        with running() as url:
            yield urlsplit(url).port or 0


def status(port: int, path: str = "/api/health", method: str = "GET", **headers: str) -> int:
    """Return the status with which the server answers; `headers` replace the client's own."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    connection.putrequest(method, path, skip_host=True)
    for name, value in {"Host": f"127.0.0.1:{port}", "Content-Length": "0", **headers}.items():
        connection.putheader(name, value)
    connection.endheaders()
    found = connection.getresponse().status
    connection.close()
    return found


def test_its_own_dashboard_is_answered(port: int) -> None:
    for host in (f"127.0.0.1:{port}", f"localhost:{port}", f"LOCALHOST:{port}"):
        assert status(port, Host=host) == 200
        assert status(port, Host=host, Origin=f"http://{host}") == 200
    assert status(port, "/") in (200, 307)


@pytest.mark.parametrize("host", ["evil.example", "evil.example:{port}", "127.0.0.1", "127.0.0.1:1", "127.0.0.1.evil.example:{port}", ""])
def test_a_foreign_host_is_refused(port: int, host: str) -> None:
    assert status(port, Host=host.format(port=port)) == 403
    assert status(port, "/", Host=host.format(port=port)) == 403


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://127.0.0.1:1", "https://127.0.0.1:{port}", "http://localhost"])
def test_a_foreign_origin_is_refused(port: int, origin: str) -> None:
    assert status(port, Origin=origin.format(port=port)) == 403
    assert status(port, "/api/flow_runs/filter", "POST", Origin=origin.format(port=port)) == 403


def test_a_websocket_of_a_foreign_page_is_refused(port: int) -> None:
    upgrade = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": f"{'A' * 22}=="}
    assert status(port, "/api/events/out", Origin="http://evil.example", **upgrade) == 403
