"""Settings: every key has a default, a wrong one is named with the way out."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from dicom_node.errors import BadSettings
from dicom_node.settings import Settings, example, load


def test_the_example_uncommented_is_exactly_the_defaults(tmp_path: Path) -> None:
    lines = [line.removeprefix("# ") for line in example().splitlines() if " = " in line or line.startswith("[")]
    file = tmp_path / "node.toml"
    file.write_text("\n".join(line for line in lines if not line.startswith(("peers = ", "fhir = ", "hl7 = "))))
    assert tomllib.loads(file.read_text()).keys() == Settings.model_fields.keys()
    assert load(file).model_dump() == Settings().model_dump()


def test_the_environment_wins_over_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "node.toml"
    file.write_text('[listener]\nport = 104\nae_title = "FROM_FILE"\n')
    monkeypatch.setenv("DICOM_NODE_LISTENER__PORT", "11113")
    listener = load(file).listener
    assert (listener.port, listener.ae_title) == (11113, "FROM_FILE")


def test_peers_can_be_given_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DICOM_NODE_DELIVER__PEERS", '[{"name":"pacs","ae_title":"PACS","host":"h","port":104}]')
    assert [peer.name for peer in load().deliver.peers] == ["pacs"]


def test_a_peer_gets_both_reports_unless_its_profile_says_otherwise() -> None:
    peer = {"name": "pacs", "ae_title": "PACS", "host": "h", "port": 104}
    assert load(deliver={"peers": [peer]}).deliver.peers[0].objects == ("findings", "narrative")
    chosen = load(deliver={"peers": [peer | {"objects": ["narrative", "pdf"]}]})
    assert chosen.deliver.peers[0].objects == ("narrative", "pdf")


@pytest.mark.parametrize("objects", [[], ["fndings"]])
def test_a_peer_that_would_get_nothing_or_the_unknown_is_refused(objects: list[str]) -> None:
    peer = {"name": "pacs", "ae_title": "PACS", "host": "h", "port": 104, "objects": objects}
    with pytest.raises(BadSettings, match=r"deliver\.peers\.0\.objects"):
        load(deliver={"peers": [peer]})


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("[listener]\nport = 70000\n", "listener.port"),
        ('[listener]\nae_title = "LONGER THAN SIXTEEN"\n', "listener.ae_title"),
        ("[listener]\nprot = 104\n", "listener.prot"),
        ("[lissener]\nport = 104\n", "lissener"),
        ('[deliver]\npeers = [{ name = "pacs", ae_title = "PACS", host = "h" }]\n', "deliver.peers.0.port"),
    ],
)
def test_a_wrong_key_in_the_file_is_named_with_the_way_out(tmp_path: Path, text: str, named: str) -> None:
    file = tmp_path / "node.toml"
    file.write_text(text)
    with pytest.raises(BadSettings) as raised:
        load(file)
    assert named in str(raised.value)
    assert "dicom-node settings" in str(raised.value)


def test_broken_toml_is_said_to_be_broken(tmp_path: Path) -> None:
    file = tmp_path / "node.toml"
    file.write_text("[listener\n")
    with pytest.raises(BadSettings, match=r"node\.toml"):
        load(file)


def test_a_misspelt_variable_is_not_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DICOM_NODE_LISTENER__PROT", "104")
    with pytest.raises(BadSettings, match="DICOM_NODE_LISTENER__PROT"):
        load()


def test_two_peers_of_one_name_are_refused() -> None:
    peer = {"name": "pacs", "ae_title": "PACS", "host": "h", "port": 104}
    with pytest.raises(BadSettings, match="same name"):
        load(deliver={"peers": [peer, peer]})
