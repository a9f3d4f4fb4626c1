"""The vectors that Solidity and TypeScript read are what the code makes today."""

import importlib.util
import json
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[1] / "vectors"


def test_evidence_vectors_are_fresh() -> None:
    spec = importlib.util.spec_from_file_location("make_evidence", FOLDER / "make_evidence.py")
    if spec is None or spec.loader is None:
        pytest.fail("make_evidence.py cannot be loaded")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert json.loads((FOLDER / "evidence.json").read_text()) == module.vectors()
