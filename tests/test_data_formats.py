"""Every format gives the sequences that stand in it; a module sees the same numbers whatever the format."""

from __future__ import annotations

import json
import wave
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import rnnc
from rnnc.runtime.data import DataError, Sequences, fields_of, open_data
from rnnc.runtime.data.check import check_data, sizes_from

LABELLING = rnnc.compile_text("""
network labelling(D = 3, H = 4, K = 2, V = 5) {
  axis n
  input  x[n] : D
  input  w[n] : token(V)
  target t[n] : K
  target l : token(K)
  unit   h[n] : H = tanh(full(x[n]) + full(embedding(w[n], H)) + full(h[n-1]))
  output y[n] : K = full(h[n])
  output p : K = softmax(full(h[last]))
  loss squared_error(y, t)
  loss cross_entropy(p, l)
}""")
SERIES = rnnc.compile_text("""
network series(D = 1, H = 2) {
  axis n
  input  x[n] : D
  target t[n] : D
  unit   h[n] : H = tanh(full(x[n]) + full(h[n-1]))
  output y[n] : D = full(h[n])
  loss squared_error(y, t)
}""")
SIGNAL = rnnc.compile_text("""
network signal(H = 2) {
  axis n
  input  x[n] : 1
  target t[n] : 1
  unit   h[n] : H = tanh(full(x[n]) + full(h[n-1]))
  output y[n] : 1 = full(h[n])
  loss squared_error(y, t)
}""")
PICTURES = rnnc.compile_text("""
network pictures(D = 2, H = 2) {
  axis i, j
  input  x[i, j] : D
  target t[j] : D
  unit   h[i, j] : H = tanh(full(x[i, j]) + full(h[i-1, j], as = A) + full(h[i, j-1], as = B))
  output y[j] : D = full(h[last, j])
  loss squared_error(y, t)
}""")
TEXT = rnnc.compile_text("""
network text(V = 9, H = 2) {
  axis n
  input  w[n] : token(V)
  target t[n] : token(V)
  unit   h[n] : H = tanh(embedding(w[n], H) + full(h[n-1]))
  output p[n] : V = softmax(full(h[n]))
  loss cross_entropy(p, t)
}""")

LENGTHS = (4, 1, 6)


def rows() -> list[dict[str, Any]]:
    """Three sequences, each field as the module takes one without a batch."""
    draw = np.random.default_rng(7)
    found: list[dict[str, Any]] = []
    for n in LENGTHS:
        t = draw.normal(size=(n, 2)).round(3)
        t[0, 1] = np.nan
        found.append({"x": draw.normal(size=(n, 3)).round(3), "w": draw.integers(5, size=n), "t": t, "l": n % 2})
    return found


def padded(name: str, axes: int = 1) -> np.ndarray[Any, Any]:
    values = [np.asarray(row[name]) for row in rows()]
    if not axes:
        return np.stack(values)
    whole = np.zeros((max(LENGTHS), len(values), *values[0].shape[1:]), values[0].dtype)
    if whole.dtype.kind == "f":
        whole[:] = np.nan  # what stands in the padding is nobody's business
    for b, value in enumerate(values):
        whole[: len(value), b] = value
    return whole


def table(path: Path) -> None:
    lines = ["sequence,x.0,x.1,x.2,w,t.0,t.1,l,remark"]
    for b, row in enumerate(rows()):
        for n in range(len(row["w"])):
            t = ["" if np.isnan(v) else repr(float(v)) for v in row["t"][n]]
            x = [repr(float(v)) for v in row["x"][n]]
            lines.append(",".join([f"s{b}", *x, str(row["w"][n]), *t, str(row["l"]) if n == 0 else "", "a"]))
    path.write_text("\n".join(lines) + "\n")


def write(form: str, folder: Path) -> Path:
    """The three sequences as a file."""
    arrays = {"x": padded("x"), "w": padded("w"), "t": padded("t"), "l": padded("l", 0), "lengths": np.array(LENGTHS)}
    ends = {name: np.concatenate([np.atleast_1d(row[name]) for row in rows()]) for name in ("x", "w", "t", "l")}
    path = folder / f"data{form.removeprefix('packed').removeprefix('long')}"
    if form == ".npz":
        np.savez(path, **arrays)  # type: ignore[arg-type]
    elif form == "packed.npz":
        np.savez_compressed(path, **ends, lengths=np.array(LENGTHS))  # type: ignore[arg-type]
    elif form == "folder":
        path.mkdir()
        for name, values in arrays.items():
            np.save(path / name, np.asfortranarray(values))
    elif form == ".csv":
        table(path)
    else:
        lines = []
        for row in rows():
            nulls = [[None if np.isnan(v) else v for v in step] for step in row["t"]]
            lines.append(json.dumps({"x": row["x"].tolist(), "w": row["w"].tolist(), "t": nulls, "l": row["l"]}))
        path.write_text("\n\n".join(lines))
    return path


def checked(path: Any, module: Any, **more: Any) -> Sequences:
    data = open_data(path, module, **more)
    check_data(data, module, sizes_from(data, module, {}))
    return data


@pytest.mark.parametrize("form", [".npz", "packed.npz", "folder", ".csv", ".jsonl"])
def test_every_format_gives_its_sequences(form: str, tmp_path: Path) -> None:
    data = checked(write(form, tmp_path), LABELLING)
    assert data.lengths["n"].tolist() == list(LENGTHS)
    assert data.unused == (("remark",) if form == ".csv" else ())
    batch = data.batch(np.array([2, 0, 1]))
    assert batch.lengths["n"].tolist() == [6, 4, 1]
    for b, number in enumerate([2, 0, 1]):
        row, n = rows()[number], LENGTHS[number]
        np.testing.assert_array_equal(batch.given["x"][:n, b], row["x"])
        np.testing.assert_array_equal(batch.given["w"][:n, b], row["w"])
        np.testing.assert_array_equal(batch.given["t"][:n, b], row["t"])
        assert not batch.given["x"][n:, b].any()
        assert batch.given["l"][b] == row["l"]
    p = LABELLING.init(dtype="float64")
    loss = LABELLING.forward(p, **batch.arguments(("n",)))["loss"]
    alone = [LABELLING.forward(p, **rows()[number])["loss"] for number in (2, 0, 1)]
    np.testing.assert_allclose(loss, alone, rtol=1e-12)


def test_a_window_of_a_batch(tmp_path: Path) -> None:
    data = checked(write(".npz", tmp_path), LABELLING)
    batch = data.batch(np.array([2, 0]), 3, 5)
    assert batch.lengths["n"].tolist() == [2, 1]
    np.testing.assert_array_equal(batch.given["x"][:, 0], rows()[2]["x"][3:5])
    np.testing.assert_array_equal(batch.given["x"][:1, 1], rows()[0]["x"][3:4])
    pieces = data.subset(np.array([2])).pieces(np.array([[0, 2], [2, 5]]))
    np.testing.assert_array_equal(pieces.batch(np.array([1])).given["t"][:, 0], rows()[2]["t"][2:5])


def test_a_structured_npy_has_names(tmp_path: Path) -> None:
    values = np.zeros((5, 2), [("x", "f4", (1,)), ("t", "f4", (1,))])
    values["x"][..., 0] = np.arange(10).reshape(5, 2)
    np.save(tmp_path / "a.npy", values)
    data = checked(tmp_path / "a.npy", SERIES)
    assert len(data) == 2
    assert data.batch(np.array([1])).given["x"].ravel().tolist() == [1, 3, 5, 7, 9]


def test_an_array_without_a_name_is_told_what_comes_next(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.arange(6.0)[:, None].astype(">f4"))
    batch = checked(tmp_path / "a.npy", SERIES).batch(np.array([0]))
    assert batch.given["x"].ravel().tolist() == [0, 1, 2, 3, 4]
    assert batch.given["t"].ravel().tolist() == [1, 2, 3, 4, 5]
    alone = open_data(tmp_path / "a.npy", SERIES, targets=False)
    assert alone.lengths["n"].tolist() == [6]


@pytest.mark.parametrize("shape", [(6,), (6, 1)])
def test_a_series_of_single_numbers(shape: tuple[int, ...], tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.arange(6.0).reshape(shape))
    batch = checked(tmp_path / "a.npy", SIGNAL).batch(np.array([0]))
    assert batch.given["x"].ravel().tolist() == [0, 1, 2, 3, 4]
    assert batch.given["t"].ravel().tolist() == [1, 2, 3, 4, 5]
    assert open_data(tmp_path / "a.npy", SIGNAL, targets=False).lengths["n"].tolist() == [6]
    np.save(tmp_path / "b.npy", np.zeros((6, 2)))
    with pytest.raises(DataError, match=r"b\.npy: the file has no names and several sequences"):
        open_data(tmp_path / "b.npy", SIGNAL)


@pytest.mark.parametrize(("channels", "module"), [(1, SERIES), (2, SERIES), (1, SIGNAL)])
def test_a_wav(channels: int, module: Any, tmp_path: Path) -> None:
    samples = np.array([[0, 16384], [-32768, 32767], [1, -1]], "<i2")[:, :channels]
    sound(tmp_path / "a.wav", samples)
    batch = checked(tmp_path / "a.wav", module).batch(np.array([0]))
    np.testing.assert_array_equal(batch.given["x"][:, 0], samples[:2] / np.float32(32768))
    np.testing.assert_array_equal(batch.given["t"][:, 0], samples[1:] / np.float32(32768))


@pytest.mark.parametrize("targets", [True, False])
def test_a_wav_of_more_channels_than_units(targets: bool, tmp_path: Path) -> None:
    sound(tmp_path / "a.wav", np.zeros((5, 2), "<i2"))
    with pytest.raises(DataError, match=r"a\.wav: has 2 channels, input `x` takes 1 unit"):
        open_data(tmp_path / "a.wav", SIGNAL, targets=targets)


def sound(path: Path, samples: Any) -> None:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(samples.shape[1])
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes(samples.tobytes())


def test_text_as_characters_and_words(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("to be, or not to be: that is", encoding="utf-8")
    words = checked(path, TEXT, unit="words")
    assert words.vocabulary == ("\N{REPLACEMENT CHARACTER}", "be", "to")
    assert words.batch(np.array([0])).given["w"].ravel().tolist() == [2, 1, 0, 0, 0, 2, 1, 0, 0]
    signs = checked(path, TEXT)
    assert len(signs.vocabulary) <= 9
    ids = signs.batch(np.array([0])).given["t"].ravel()
    shown = "".join(signs.vocabulary[i] for i in ids)
    assert all(a in (b, "\N{REPLACEMENT CHARACTER}") for a, b in zip(shown, path.read_text()[1:], strict=True))
    path.write_text("toe")
    assert checked(path, TEXT, vocabulary=signs.vocabulary).vocabulary == signs.vocabulary


def test_several_axes(tmp_path: Path) -> None:
    draw = np.random.default_rng(0)
    extents = [(2, 3), (4, 1), (3, 3)]
    pictures = [draw.normal(size=(*extent, 2)) for extent in extents]
    targets = [draw.normal(size=(extent[1], 2)) for extent in extents]
    lines = [json.dumps({"x": x.tolist(), "t": t.tolist()}) for x, t in zip(pictures, targets, strict=True)]
    (tmp_path / "a.jsonl").write_text("\n".join(lines))
    x, t = np.zeros((4, 3, 3, 2)), np.zeros((3, 3, 2))
    for b, (i, j) in enumerate(extents):
        x[:i, :j, b], t[:j, b] = pictures[b], targets[b]
    lengths = {"lengths.i": np.array([2, 4, 3]), "lengths.j": np.array([3, 1, 3])}
    np.savez(tmp_path / "a.npz", x=x, t=t, **lengths)  # type: ignore[arg-type]
    p = PICTURES.init(dtype="float64")
    wanted = [PICTURES.forward(p, x=a, t=b)["loss"] for a, b in zip(pictures, targets, strict=True)]
    for name in ("a.jsonl", "a.npz"):
        batch = checked(tmp_path / name, PICTURES).batch(np.arange(3))
        np.testing.assert_allclose(PICTURES.forward(p, **batch.arguments(("i", "j")))["loss"], wanted, rtol=1e-12)


def test_sizes_come_from_the_data_unless_given(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", x=np.zeros((5, 2, 7)), t=np.zeros((5, 2, 7)))
    data = open_data(tmp_path / "a.npz", SERIES)
    assert sizes_from(data, SERIES, {"H": 9}) == {"D": 7, "H": 9}
    assert sizes_from(data, SERIES, {"D": 2})["D"] == 2


def test_names_that_the_protocol_has_taken(tmp_path: Path) -> None:
    module = rnnc.compile_text("""
    network odd(D = 2) {
      axis n
      input lengths[n] : D
      input lambda[n] : D
      target state[n] : D
      output y[n] : D = full(lengths[n]) + full(lambda[n])
      loss squared_error(y, state)
    }""")
    assert {f.keyword for f in fields_of(module)} == {"lengths_", "lambda", "state_"}
    arrays = {name: np.ones((4, 2, 2)) for name in ("lengths", "lambda", "state")}
    np.savez(tmp_path / "a.npz", **arrays, **{"lengths.n": np.array([4, 3])})  # type: ignore[arg-type]
    batch = checked(tmp_path / "a.npz", module).batch(np.arange(2))
    assert module.forward(module.init(), **batch.arguments(("n",)))["loss"].shape == (2,)
