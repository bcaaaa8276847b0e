"""Weights go to disk whole or not at all, and come back only where they fit."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from rnnc.runtime import weights
from rnnc.runtime.weights import WeightsError, load_weights, put_weights, save_weights


def arrays() -> dict[str, NDArray[Any]]:
    return {"h.W_x": np.arange(6.0).reshape(2, 3), "file": np.ones((), np.float32), "h.b": np.zeros(0)}


def test_there_and_back_with_notes(tmp_path: Path) -> None:
    path = tmp_path / "w.npz"
    save_weights(path, arrays(), {"vocabulary": "ab\u00e4\n"})
    found = load_weights(path)
    assert found.notes == {"vocabulary": "ab\u00e4\n"}
    assert list(found.arrays) == list(arrays())
    for name, value in arrays().items():
        np.testing.assert_array_equal(found.arrays[name], value)
        assert found.arrays[name].dtype == value.dtype
    with np.load(path, allow_pickle=False) as plain:
        np.testing.assert_array_equal(plain["h.W_x"], arrays()["h.W_x"])
    save_weights(tmp_path / "again.npz", arrays(), {"vocabulary": "ab\u00e4\n"})
    assert (tmp_path / "again.npz").read_bytes() == path.read_bytes()


@pytest.mark.parametrize("call", ["fsync", "replace"])
def test_a_failed_write_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str) -> None:
    path = tmp_path / "w.npz"
    save_weights(path, arrays())
    before = path.read_bytes()

    def full(*args: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, call, full)
    with pytest.raises(WeightsError, match=r"cannot write `.*w.npz`: No space left on device"):
        save_weights(path, {"h.b": np.ones(3)})
    assert path.read_bytes() == before
    assert [entry.name for entry in tmp_path.iterdir()] == ["w.npz"]


def test_objects_are_neither_saved_nor_loaded(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="array `o` holds Python objects"):
        save_weights(tmp_path / "w.npz", {"o": np.array([{}], dtype=object)})
    np.savez(tmp_path / "o.npz", o=np.array([{}], dtype=object))
    with pytest.raises(WeightsError, match=r"o.npz` is not a readable file of weights, array `o`"):
        load_weights(tmp_path / "o.npz")


def test_damage_is_found_at_every_cut(tmp_path: Path) -> None:
    path = tmp_path / "w.npz"
    save_weights(path, arrays())
    whole = path.read_bytes()
    for cut in range(0, len(whole), 16):
        path.write_bytes(whole[:cut])
        with pytest.raises(WeightsError, match=r"w\.npz"):
            load_weights(path)


def test_what_is_no_file_of_weights(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match=r"cannot read `.*none.npz`"):
        load_weights(tmp_path / "none.npz")
    np.save(tmp_path / "one.npy", np.zeros(3))
    with pytest.raises(WeightsError, match=r"one\.npy` is not a readable file of weights: it is no \.npz file"):
        load_weights(tmp_path / "one.npy")


def test_weights_that_do_not_fit_are_named_and_change_nothing() -> None:
    p: dict[str, NDArray[Any]] = {"h.b": np.zeros(3, np.float32), "h.W": np.zeros((3, 2))}
    path = Path("w.npz")
    fits: dict[str, NDArray[Any]] = {"h.b": np.ones(3), "h.W": np.ones((3, 2))}
    for change, named in (
        ({"h.W": np.ones((2, 3))}, r"`h.W` has shape \(2, 3\), the network \(3, 2\)"),
        ({"x": np.ones(1)}, "an array `x` that the network does not have"),
        ({"h.W": np.ones((3, 2), complex)}, "`h.W` has dtype complex128"),
    ):
        with pytest.raises(WeightsError, match=named):
            put_weights(p, weights.Weights({**fits, **change}, {}), path)
    with pytest.raises(WeightsError, match=r"has no array `h.W`"):
        put_weights(p, weights.Weights({"h.b": np.ones(3)}, {}), path)
    assert not p["h.b"].any()
    put_weights(p, weights.Weights(fits, {}), path)
    assert p["h.b"].tolist() == [1.0, 1.0, 1.0]


def test_a_place_that_cannot_be_written_is_known_before(tmp_path: Path) -> None:
    weights.check_place(tmp_path / "w.npz")
    with pytest.raises(WeightsError, match="there is no folder"):
        weights.check_place(tmp_path / "none" / "w.npz")
    with pytest.raises(WeightsError, match="it is a folder"):
        weights.check_place(tmp_path)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="pipes and links of Unix")
def test_links_are_followed_and_what_is_no_file_stays(tmp_path: Path) -> None:
    (tmp_path / "far").mkdir()
    link, pipe = tmp_path / "w.npz", tmp_path / "pipe.npz"
    link.symlink_to(Path("far", "w.npz"))
    os.mkfifo(pipe)
    weights.check_place(link)
    for _ in range(2):
        save_weights(link, arrays())
        assert link.is_symlink() and set(load_weights(tmp_path / "far" / "w.npz").arrays) == set(arrays())
    (tmp_path / "other.npz").symlink_to("pipe.npz")
    (tmp_path / "lost.npz").symlink_to(Path("none", "w.npz"))
    (tmp_path / "round.npz").symlink_to("round.npz")
    for name, said in (
        ("pipe.npz", "it is no ordinary file"),
        ("other.npz", "it is no ordinary file"),
        ("far", "it is a folder"),
        ("lost.npz", ""),
        ("round.npz", ""),
    ):
        for write in (weights.check_place, lambda path: save_weights(path, arrays())):
            with pytest.raises(WeightsError, match=f"cannot write `.*{name}`: {said}"):
                write(tmp_path / name)
    if os.path.exists("/proc/self/fd"):
        reader, writer = os.pipe()
        with pytest.raises(WeightsError, match="it is no ordinary file"):
            save_weights(Path(f"/proc/self/fd/{writer}"), arrays())
        os.close(reader)
        os.close(writer)
    assert pipe.is_fifo() and [entry.name for entry in (tmp_path / "far").iterdir()] == ["w.npz"]


@pytest.mark.parametrize("name", ["w" * 241 + ".npz", "\u6587" * 83 + ".npz"])
def test_names_as_long_as_a_name_may_be(tmp_path: Path, name: str) -> None:
    try:
        (tmp_path / name).touch()
    except OSError:
        pytest.skip("no such names here")
    save_weights(tmp_path / name, arrays())
    assert [entry.name for entry in tmp_path.iterdir()] == [name]
    with pytest.raises(WeightsError, match="cannot write"):
        weights.check_place(tmp_path / (name + "w" * 20))


@pytest.mark.skipif(not hasattr(os, "link"), reason="needs hard links")
def test_the_old_file_is_never_written_to(tmp_path: Path) -> None:
    path, other = tmp_path / "w.npz", tmp_path / "same.npz"
    save_weights(path, arrays())
    os.link(path, other)
    before = path.read_bytes()
    save_weights(path, {"h.b": np.ones(3)})
    assert other.read_bytes() == before != path.read_bytes()
