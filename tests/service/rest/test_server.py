"""The production server as a process of its own, asked by real clients."""

from __future__ import annotations

import http.client
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
import requests

from service.config import Settings

START = """
import sys
from pathlib import Path
from service.config import Settings
from service.server import serve

if __name__ == "__main__":
    serve(Settings(
        port=int(sys.argv[1]), store_folder=Path(sys.argv[2]), temporary_folder=Path(sys.argv[3]),
        workers=1, threads_per_worker=4,
    ))
"""
TABLE = "ILMS/DF_MNA_OEMP_SEX_CDS/1.0.0"


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class RunningServer:
    """A server process and what it wrote."""

    def __init__(self, process: subprocess.Popen[str], url: str, seconds: float) -> None:
        self.process = process
        self.url = url
        self.seconds = seconds

    def stop(self, number: int = signal.SIGTERM) -> str:
        """End the server as an operator does and return its log."""
        self.process.send_signal(number)
        return self.process.communicate(timeout=30)[1]


def launch(
    folder: Path, settings: Settings, port: int, *, group: bool = False
) -> subprocess.Popen[str]:
    script = folder / "start.py"
    script.write_text(START, encoding="utf-8")
    arguments = [str(port), str(settings.store_folder), str(settings.temporary_folder)]
    return subprocess.Popen(
        [sys.executable, str(script), *arguments],
        stderr=subprocess.PIPE,
        text=True,
        cwd=folder,
        start_new_session=group,
    )


def start_server(folder: Path, settings: Settings, *, group: bool = False) -> RunningServer:
    port = _free_port()
    process = launch(folder, settings, port, group=group)
    started = time.monotonic()
    url = f"http://127.0.0.1:{port}"
    while time.monotonic() - started < 30:
        try:
            if requests.get(f"{url}/health", timeout=1).ok:
                return RunningServer(process, url, time.monotonic() - started)
        except requests.ConnectionError:
            time.sleep(0.05)
        if process.poll() is not None:
            break
    process.kill()
    pytest.fail(f"the server did not start: {process.communicate()[1]}")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, filled: Settings) -> Iterator[RunningServer]:
    running = start_server(tmp_path_factory.mktemp("server"), filled)
    yield running
    if running.process.poll() is None:
        running.stop()


def test_the_published_figure_comes_out_of_the_url_of_the_documentation(
    server: RunningServer,
) -> None:
    # curl -g leaves the brackets as they are; so does this request.
    url = f"{server.url}/sdmx/v2/data/dataflow/{TABLE}/IDN.*?c[TIME_PERIOD]=ge:2023"
    done = subprocess.run(
        ["curl", "-g", "-sS", "--fail", "-H", "Accept: text/csv", url],
        capture_output=True,
        text=True,
        check=True,
    )
    header, *rows = [line.split(",") for line in done.stdout.splitlines()]
    found = [dict(zip(header, row, strict=True)) for row in rows]
    assert {row["TIME_PERIOD"] for row in found} == {"2023", "2024"}
    figure = [
        row
        for row in found
        if (row["SEX"], row["COUNTERPART_AREA"], row["TIME_PERIOD"]) == ("SEX_F", "HKG", "2024")
    ]
    assert [(row["OBS_VALUE"], row["UNIT_MEASURE"], row["UNIT_MULT"]) for row in figure] == [
        ("99.479", "PS", "3")
    ]


def test_pandas_reads_csv_straight_from_the_url(server: RunningServer, stored) -> None:
    url = f"{server.url}/sdmx/v2/data/dataflow/{TABLE}?format=csvdata"
    frame = pd.read_csv(url, dtype=str)
    columns = list(stored[0])
    assert sorted(map(tuple, frame[columns].to_numpy())) == sorted(
        tuple(r.values()) for r in stored
    )


def test_percent_encoded_separators_mean_the_same(server: RunningServer) -> None:
    plain = requests.get(
        f"{server.url}/sdmx/v1/data/ILMS,DF_MNA_OEMP_SEX_CDS,1.0.0/IDN...SEX_F+SEX_M..", timeout=10
    )
    encoded = requests.get(
        f"{server.url}/sdmx/v1/data/ILMS%2CDF_MNA_OEMP_SEX_CDS%2C1.0.0/IDN.%2A.%2A.SEX_F%2BSEX_M../",
        timeout=10,
    )
    assert plain.status_code == encoded.status_code == 200
    assert plain.content == encoded.content


def test_an_answer_has_its_length_so_that_a_broken_one_cannot_look_whole(
    server: RunningServer,
) -> None:
    response = requests.get(
        f"{server.url}/sdmx/v2/data/dataflow/{TABLE}",
        timeout=10,
        headers={"Accept-Encoding": "identity"},
    )
    assert int(response.headers["Content-Length"]) == len(response.content)
    assert "Transfer-Encoding" not in response.headers


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_starts_fast_and_stops_when_asked(number: int, tmp_path: Path, filled: Settings) -> None:
    running = start_server(tmp_path, filled)
    requests.get(
        f"{running.url}/sdmx/v2/structure/dataflow?detail=allstubs&references=none", timeout=10
    )
    # A line is written when the answer has gone: by the time of the next one.
    requests.get(f"{running.url}/health", timeout=10)
    log = running.stop(number)
    assert running.process.returncode == 0
    assert running.seconds < 15  # Under 3 s on a machine that is not shared; see the benchmarks.
    assert '"path": "/sdmx/v2/structure/dataflow", "status": "200"' in log
    assert "allstubs" not in log
    assert "Traceback" not in log


@pytest.mark.parametrize("attempt", range(3))
def test_ctrl_c_reaches_every_process_and_ends_them_at_once(
    attempt: int, tmp_path: Path, filled: Settings
) -> None:
    # A terminal sends the signal to the whole group; half of the time workers then waited to be killed.
    running = start_server(tmp_path, filled, group=True)
    began = time.monotonic()
    os.killpg(running.process.pid, signal.SIGINT)
    running.process.communicate(timeout=60)
    assert time.monotonic() - began < 15, f"attempt {attempt}"


def test_no_worker_outlives_a_parent_that_was_killed(tmp_path: Path, filled: Settings) -> None:
    running = start_server(tmp_path, filled)
    running.process.kill()
    # Not communicate: it would wait for the workers, which hold the other end of the pipe.
    running.process.wait(10)
    for _ in range(100):
        try:
            requests.get(f"{running.url}/health", timeout=1)
        except requests.ConnectionError:
            break
        time.sleep(0.1)
    else:
        pytest.fail("a worker still answers")
    running.process.communicate(timeout=30)


def test_a_port_in_use_is_told_at_once(tmp_path: Path, settings: Settings) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        process = launch(tmp_path, settings, other.getsockname()[1])
        log = process.communicate(timeout=30)[1]
    assert process.returncode != 0
    assert "AddressInUseError" in log
    assert "choose another port" in log


def test_a_store_that_cannot_be_opened_ends_the_server_with_one_line(
    tmp_path: Path, settings: Settings
) -> None:
    broken = replace(settings, store_folder=tmp_path / "store")
    broken.store_folder.mkdir()
    (broken.store_folder / "catalog.sqlite").write_text("no database", encoding="utf-8")
    process = launch(tmp_path, broken, _free_port())
    log = process.communicate(timeout=30)[1]
    assert process.returncode != 0
    assert log.count("CRITICAL") == 1
    assert "NotStartedError" in log


# -- HTTP/1.1, byte by byte ------------------------------------------------------------------------


def exchanged(
    server: RunningServer, *requests_sent: bytes
) -> list[tuple[int, dict[str, str], bytes]]:
    """Send requests over one connection, one after the other, and return status, headers and body of each answer."""
    port = int(server.url.rpartition(":")[2])
    answers = []
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        for sent in requests_sent:
            connection.sendall(sent)
            answer = http.client.HTTPResponse(connection, method=sent.split(b" ")[0].decode())
            answer.begin()
            headers = {name.lower(): value for name, value in answer.getheaders()}
            answers.append((answer.status, headers, answer.read()))
    return answers


def written(method: str, target: str, *headers: str, body: bytes = b"") -> bytes:
    lines = (f"{method} {target} HTTP/1.1", "Host: localhost", *headers, "", "")
    return "\r\n".join(lines).encode("latin-1") + body


PATH = f"/sdmx/v2/data/dataflow/{TABLE}"


def test_10_a_connection_is_kept_over_answers_of_every_kind(server: RunningServer) -> None:
    found = exchanged(
        server,
        written("GET", PATH),
        written("HEAD", PATH),
        written("GET", f"{PATH}/NOWHERE"),
        written("GET", PATH, "If-None-Match: *"),
        written("GET", f"{PATH}?x=1"),
        written("OPTIONS", PATH),
        written("PUT", PATH, "Content-Length: 3", body=b"<x>"),
        written("GET", "/sdmx/v2/tables"),
        written("GET", PATH, "Range: values=0-9"),
        written("GET", PATH),
    )
    statuses = [status for status, _, _ in found]
    assert statuses == [200, 200, 204, 304, 400, 200, 405, 404, 206, 200]
    first, told, *_, last = found
    assert first[2] == last[2]
    assert told[2] == b""
    assert int(told[1]["content-length"]) == int(first[1]["content-length"]) == len(first[2])
    moving = {"date", "x-request-id"}
    assert {k: v for k, v in told[1].items() if k not in moving} == {
        k: v for k, v in first[1].items() if k not in moving
    }


@pytest.mark.parametrize(
    ("target", "status"),
    [
        # granian hands the path over decoded, where a broken escape is text like any other: no code, and no id.
        (f"{PATH}/%ZZ", 204),
        ("/sdmx/v2/data/dataflow/ILMS/%ZZ", 400),
        ("/sdmx/v1/codelist/ILMS/%", 400),
        (f"{PATH}/A%00B", 400),
        (f"{PATH}/A%FFB", 400),
        (f"{PATH}/A%C3", 400),
        (f"{PATH}?limit=%ZZ", 400),
        (f"{PATH}?lang=%00", 400),
        (f"{PATH}?c[SEX]=%FF", 400),
        (f"{PATH}?%00=1", 400),
        ("/sdmx/v1/data/%80", 400),
        ("/sdmx/v1/codelist/%0A", 400),
        ("/sdmx/v2/../../etc/passwd", 404),
        ("//sdmx//v2/data", 404),
        (f"{PATH}/{'A' * 17_000}", 414),
        # The server itself refuses what is far longer, or no HTTP, with no body.
        (f"{PATH}/{'A' * 70_000}", 414),
        (f"{PATH}/A\xffB", 400),
        (f"{PATH}/A B", 400),
    ],
)
def test_10_bytes_that_mean_nothing_are_the_fault_of_the_client(
    server: RunningServer, target: str, status: int
) -> None:
    ((told, headers, body),) = exchanged(server, written("GET", target))
    assert told == status
    if body:
        assert "json" in headers["content-type"] or "xml" in headers["content-type"]
        assert headers["access-control-allow-origin"] == "*"
    elif told != 204:
        assert len(target) > 65_000 or not target.isascii() or " " in target
    assert requests.get(f"{server.url}/health", timeout=10).ok


def test_10_headers_without_end_are_refused(server: RunningServer) -> None:
    many = [f"X-{number}: a" for number in range(500)]
    ((told, _, _),) = exchanged(server, written("GET", PATH, *many))
    assert told == 431
    assert requests.get(f"{server.url}/health", timeout=10).ok


def test_04_accept_in_several_lines_is_one(server: RunningServer) -> None:
    ((told, headers, _),) = exchanged(
        server, written("GET", PATH, "Accept: image/png", "Accept: text/csv;q=0.5")
    )
    assert (told, headers["content-type"]) == (200, "text/csv")


def test_10_a_query_in_a_body_sent_in_chunks_is_whole(server: RunningServer) -> None:
    form = "Content-Type: application/x-www-form-urlencoded"
    head = written("POST", PATH, form, "Transfer-Encoding: chunked", "Accept: text/csv")
    plain = requests.get(f"{server.url}{PATH}/PHL", headers={"Accept": "text/csv"}, timeout=10)
    ((told, _, body),) = exchanged(server, head + b"4\r\nkey=\r\n3\r\nPHL\r\n0\r\n\r\n")
    assert (told, body) == (200, plain.content)
    packed = exchanged(
        server,
        written("POST", PATH, form, "Content-Encoding: gzip", "Content-Length: 7", body=b"key=PHL"),
    )
    assert packed[0][0] == 415


def test_many_clients_at_once_get_what_one_gets(server: RunningServer) -> None:
    urls = [
        f"{server.url}/sdmx/v2/data/dataflow/{TABLE}/{key}?format={name}"
        for key in ("IDN", "PHL", "*.*.*.SEX_F")
        for name in ("csv", "json", "ml21")
    ]
    alone = {url: requests.get(url, timeout=20).content for url in urls}
    assert len(set(alone.values())) == len(urls)
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(lambda url: (url, requests.get(url, timeout=20)), urls * 10))
    assert all(response.status_code == 200 for _, response in together)
    assert all(response.content == alone[url] for url, response in together)
