"""`amodal serve`, up to the moment a server would run."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("prometheus_client", reason="the extra `serve` is not installed")

from fastapi.testclient import TestClient

from amodal.serve import model
from helpers.command_line import Amodal

TOKEN = "0123456789abcdef"


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch, stub: None) -> list[dict[str, Any]]:
    """What would have been served."""
    calls: list[dict[str, Any]] = []
    monkeypatch.setattr(
        "amodal.cli.serve.serve",
        lambda app, _listening, host, **more: calls.append({"app": app, "host": host, **more}),
    )
    monkeypatch.delenv("AMODAL_TOKEN", raising=False)
    return calls


def models(call: dict[str, Any], *asked: dict[str, str]) -> list[int]:
    """What /v1/models answers to requests with these headers."""
    with TestClient(call["app"], base_url="http://127.0.0.1:8080") as client:
        return [client.get("/v1/models", headers=headers).status_code for headers in asked]


def test_without_a_word_only_this_machine_is_answered(
    amodal: Amodal, served: list[dict[str, Any]], taken: list[tuple[str, int]]
) -> None:
    outcome = amodal("serve", "--detector", "none")
    assert (outcome.code, outcome.err) == (0, "")
    assert (taken, served[0]["host"]) == ([("127.0.0.1", 8080)], "127.0.0.1")
    assert models(served[0], {}, {"Host": "elsewhere.example"}) == [200, 403]


def test_an_open_server_for_everybody_is_warned_of(amodal: Amodal, served: list[dict[str, Any]]) -> None:
    assert "--token-file" in amodal("serve", "--detector", "none", "--host", "0.0.0.0").err
    assert models(served[0], {"Host": "elsewhere.example"}) == [200]


def test_tokens_come_from_a_file_or_the_environment(
    amodal: Amodal, served: list[dict[str, Any]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "tokens"
    file.write_text(f"\n{TOKEN}\n")
    outcome = amodal("serve", "--detector", "none", "--host", "0.0.0.0", "--token-file", file)
    assert "warning" not in outcome.err
    monkeypatch.setenv("AMODAL_TOKEN", TOKEN)
    amodal("serve", "--detector", "none")
    for call in served:
        assert models(call, {}, {"Authorization": f"Bearer {TOKEN}"}) == [401, 200]


@pytest.mark.parametrize("content", ["", "short\n", "with a blank in it and long\n", "ünîcödéünîcödé!\n"])
def test_tokens_that_protect_nothing_are_refused(
    amodal: Amodal, served: list[dict[str, Any]], tmp_path: Path, content: str
) -> None:
    (tmp_path / "tokens").write_text(content, "utf-8")
    outcome = amodal("serve", "--token-file", tmp_path / "tokens")
    assert (outcome.code, str(tmp_path / "tokens") in outcome.err) == (2, True)
    assert not served


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--model", "nothing.safetensors", "--method", "orm"), "nothing.safetensors"),
        (("--method", "magic"), "found 'magic', expected one of"),
        (("--detector", "magic"), "found 'magic'"),
        (("--batch-photos", "0"), "batch_photos: found 0, expected a number above 0"),
    ],
)
def test_what_cannot_be_served_is_said_before_anybody_is_answered(
    amodal: Amodal, served: list[dict[str, Any]], arguments: tuple[str, ...], said: str
) -> None:
    outcome = amodal("serve", *arguments)
    assert (outcome.code, said in outcome.err) == (2, True)
    assert not served


def test_limits_asked_for_are_the_server_s(amodal: Amodal, served: list[dict[str, Any]]) -> None:
    amodal("serve", "--detector", "none", "--max-boxes", "7", "--grace-seconds", "3")
    assert served[0]["manners"].grace_seconds == 3
    with TestClient(served[0]["app"], base_url="http://127.0.0.1:8080") as client:
        assert client.get("/v1/models").json()["limits"]["max_boxes"] == 7


def test_one_thread_loads_the_model_and_works_with_it(
    amodal: Amodal, served: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    threads: list[int] = []

    def noting(call: Any) -> Any:
        def noted(*asked: Any, **more: Any) -> Any:
            threads.append(threading.get_ident())
            return call(*asked, **more)

        return noted

    monkeypatch.setattr(model, "load_served", noting(model.load_served))
    monkeypatch.setattr(model.Served, "scenes", noting(model.Served.scenes))
    amodal("serve", "--detector", "none")
    with TestClient(served[0]["app"], base_url="http://127.0.0.1:8080") as client:
        while client.get("/readyz").status_code != 200:
            time.sleep(0.01)
    assert len(threads) >= 2
    assert set(threads) == {threads[0]} != {threading.get_ident()}
