"""Data that is damaged or does not fit is refused with file, row and name, and nothing in it is executed."""

from __future__ import annotations

import pickle
import re
import wave
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from test_data_formats import LABELLING, SERIES, TEXT, checked, write

import rnnc
from rnnc.runtime.data import DataError, open_data
from rnnc.runtime.fit import fit

LINE = rnnc.compile_text("""
network line(H = 2) {
  axis n
  input  x[n] : 1
  target t[n] : 1
  output y[n] : 1 = full(x[n])
  loss squared_error(y, t)
}""")

OK = {"x": np.ones((4, 3, 1)), "t": np.ones((4, 3, 1))}


def saved(path: Path, **change: Any) -> Path:
    np.savez(path, **{name: a for name, a in {**OK, **change}.items() if a is not None})
    return path


def with_value(value: float, *place: int) -> np.ndarray[Any, Any]:
    array = np.ones((4, 3, 1))
    array[place] = value
    return array


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"x": None}, "input `x` is missing; the file has `t`"),
        ({"t": None, "T": np.ones(3)}, "target `t` is missing; the file has `x`, `T`"),
        ({"x": np.ones((4, 3, 1, 1))}, r"input `x` has shape \(4, 3, 1, 1\), expected \(n, sequences, 1\)"),
        ({"x": np.ones((4, 3, 2))}, r"units \(2,\), the network \(1\) = \(1,\)"),
        ({"x": np.ones((4, 3, 1), complex)}, "must hold real numbers; found complex128"),
        ({"x": np.full((4, 3, 1), "a")}, "must hold real numbers; found <U1"),
        ({"x": with_value(np.nan, 2, 1, 0)}, "sequence 1, n 2, unit 0: input `x` is nan"),
        ({"t": with_value(-np.inf, 3, 2, 0)}, "sequence 2, n 3, unit 0: target `t` is -inf"),
        ({"t": np.ones((5, 3, 1))}, "on axis `n`, `x` has 4 positions, `t` 5"),
        ({"t": np.ones((4, 2, 1))}, "`x` has 3 sequences, `t` has 2"),
        ({"lengths": np.array([4, 5, 1])}, "sequence 1 has length 5 on axis `n`, but `x` only 4"),
        ({"lengths": np.array([4, 0, 1])}, "`lengths`, sequence 1: length 0"),
        ({"lengths": np.array([4, 4])}, "there are 2 lengths of axis `n` for 3 sequences"),
        ({"lengths": np.array([4.0, 4.0, 1.0])}, "`lengths` must be whole numbers"),
        ({"x": np.ones((9, 1)), "t": np.ones((9, 1)), "lengths": np.array([4, 4])}, "add up to 8, `x` has 9 rows"),
        ({"x": np.ones((0, 3, 1)), "t": np.ones((0, 3, 1))}, "empty on axis `n`"),
        ({"x": np.ones((4, 0, 1)), "t": np.ones((4, 0, 1))}, "no sequence"),
    ],
)
def test_arrays_that_do_not_fit(change: dict[str, Any], said: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=said):
        checked(saved(tmp_path / "a.npz", **change), LINE)


def test_a_missing_target_and_padding_are_no_mistakes(tmp_path: Path) -> None:
    x = with_value(np.nan, 3, 1, 0)
    saved(tmp_path / "a.npz", x=x, t=with_value(np.nan, 0, 0, 0), lengths=np.array([4, 3, 4]))
    assert len(checked(tmp_path / "a.npz", LINE)) == 3


def test_what_is_known_of_targets_is_looked_for_inside_of_sequences(tmp_path: Path) -> None:
    t = with_value(np.nan)
    t[3, 1, 0] = 1.0
    for lengths, known in (([4, 3, 4], False), ([4, 4, 4], True)):
        path = saved(tmp_path / "a.npz", t=t, lengths=np.array(lengths))
        if known:
            assert len(checked(path, LINE)) == 3
        else:
            with pytest.raises(DataError, match="target `t` is missing everywhere"):
                checked(path, LINE)
    np.savez(tmp_path / "b.npz", w=np.zeros((2, 2), int), t=np.full((2, 2), -1))
    with pytest.raises(DataError, match="target `t` is missing everywhere"):
        checked(tmp_path / "b.npz", TEXT)


@pytest.mark.parametrize(("w", "said"), [(9, "is 9, expected a token 0 to 8"), (-1, "is -1"), (0.5, "tokens")])
def test_tokens_out_of_range(w: float, said: str, tmp_path: Path) -> None:
    tokens = np.array([[0, 1], [2, w]])
    np.savez(tmp_path / "a.npz", w=tokens, t=np.full((2, 2), -1))
    with pytest.raises(DataError, match=said):
        checked(tmp_path / "a.npz", TEXT)


GOOD = "sequence,x.0,x.1,x.2,w,t.0,t.1,l\na,1,2,3,0,,1,1\na,1,2,3,1,1,1,\nb,1,2,3,4,1,1,0\n"


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("x.1,", "x.7,", r"a.csv:1: input `x` has no column `x.1`, but `x.7`"),
        (",w,", ",v,", r"a.csv:1: input `w` has no column; expected `w`, found `sequence`, "),
        (GOOD.partition("\n")[0], "a;b;c", r"a.csv:1: the names stand between `;`; cells are separated by commas"),
        (GOOD.partition("\n")[0], "a\tb", r"a.csv:1: the names stand between tabs"),
        ("t.1", "t.0", r"a.csv:1: two columns are called `t.0`"),
        ("a,1,2,3,1,1,1,\n", "a,1,2,3,1,1,1\n", r"a.csv:3: 7 cells, the first line has 8"),
        ("a,1,2,3,1", "a,1,,3,1", r"a.csv:3: column `x.1` is empty"),
        ("a,1,2,3,1", "a,1,two,3,1", r"a.csv:3: column `x.1`: `two` is no number"),
        ("a,1,2,3,1", "a,1,nan,3,1", r"a.csv:3: column `x.1` is nan"),
        ("a,1,2,3,1", "a,1,2,3,1.5", r"a.csv:3: column `w`: `1.5` is no token"),
        ("b,1,2,3,4", "b,1,2,3,5", r"a.csv: line 4: input `w` is 5, expected a token 0 to 4"),
        ("1,1,\nb", "1,1,1\nb", r"a.csv:3: target `l` has no axis"),
        ("1,1,0\n", "1,1,0\na,1,2,3,4,1,1,0\n", r"a.csv:5: sequence `a` goes on after another began"),
        ("b,1", 'b,"1', r"a.csv:\d: unexpected end of data"),
        ("b,1", "b,1\udcff", r"not UTF-8 text"),
        (GOOD, "", "a.csv: the file is empty"),
        ("a,1,2,3,1", "a,1_0,2,3,1", r"a.csv:3: column `x.0`: `1_0` is no number"),
        (GOOD[GOOD.index("\n") :], "\n", "there is no row"),
    ],
)
def test_tables_that_do_not_fit(old: str, new: str, said: str, tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text(GOOD)
    assert len(checked(path, LABELLING)) == 2
    assert GOOD.count(old) == 1
    path.write_text(GOOD.replace(old, new), errors="surrogateescape")
    with pytest.raises(DataError, match=said):
        checked(path, LABELLING)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('{"x": [[1]]}', "target `t` is missing; the line has `x`"),
        ('{"x": [[1], [2]], "t": [[1]]}', "`t` has 1 positions on axis `n`, others have 2"),
        ('{"x": [[1], [2, 3]], "t": [[1], [1]]}', "`x`: its lists differ in length"),
        ('{"x": [[1, 2]], "t": [[1]]}', r"`x` has units \(2,\), before it had \(1,\)"),
        ('{"x": [1], "t": [[1]]}', r"`x` is nested 1 deep, expected \(n, D\)"),
        ('{"x": [[null]], "t": [[1]]}', "`x` holds null"),
        ('{"x": [["1"]], "t": [[1]]}', "`x` must be numbers"),
        ('{"x": [[true]], "t": [[1]]}', "`x` must be numbers; found bool"),
        ('{"x": [[1], [true]], "t": [[1], [1]]}', "`x` holds true or false among its numbers"),
        ('{"x": [[NaN]], "t": [[1]]}', "`x` holds NaN or infinity"),
        ('{"x": [[1e999]], "t": [[1]]}', "`x` holds NaN or infinity"),
        ('{"x": [], "t": []}', "`x` is empty"),
        ('{"x": [[1]], "x": [[1]], "t": [[1]]}', "`x` stands there twice"),
        ("[1, 2]", "a line is an object"),
        ('{"x": [[1]] "t"', r"no JSON: Expecting ',' delimiter \(column 13\)"),
        ('{"x": [[1, 2]\n', r"no JSON: Expecting ',' delimiter \(column 14\)"),
        (
            '{"x": [[' + "9" * 5000 + ']], "t": [[1]]}',
            "no JSON to be read: a whole number in it has more than 4,300",
        ),
        (
            '{"x": [[1]], "t": [[1]], "lengths": 1' + "0" * 30 + "}",
            "a length of 1,000,000,000,000 is the greatest",
        ),
        ("[" * 100_000, "no JSON to be read: its lists are nested too deep"),
    ],
)
def test_lines_that_do_not_fit(line: str, said: str, tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text('{"x": [[1]], "t": [[null]]}\n' + line)
    with pytest.raises(DataError, match=rf"a\.jsonl:2: .*{said}"):
        checked(path, SERIES)


def test_a_column_of_one_unit_is_asked_for_by_its_name(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("x,T\n1,2\n")
    with pytest.raises(DataError, match=r"a.csv:1: target `t` has no column; expected `t`, found `x`, `T`"):
        checked(tmp_path / "a.csv", LINE)


class Bomb:
    """Executed when it is unpickled."""

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        return exec, ("raise SystemExit('executed')",)


def test_objects_and_pickles_are_never_loaded(tmp_path: Path) -> None:
    bomb = np.array([[[Bomb()]]], dtype=object)
    np.savez(tmp_path / "a.npz", x=bomb, t=np.ones((1, 1, 1)))
    np.save(tmp_path / "a.npy", bomb)
    np.save(tmp_path / "s.npy", np.zeros(2, [("x", "O"), ("t", "f4")]))
    for name in ("a.npz", "a.npy", "s.npy"):
        with pytest.raises(DataError, match=rf"{name}.*holds Python objects, which are never loaded"):
            checked(tmp_path / name, SERIES)
    for suffix in (".npz", ".npy", ".csv", ".jsonl", ".wav", ".txt"):
        (tmp_path / f"p{suffix}").write_bytes(pickle.dumps(Bomb()))
        with pytest.raises(DataError, match=re.escape(f"p{suffix}")):
            checked(tmp_path / f"p{suffix}", TEXT if suffix == ".txt" else SERIES)


def sound(path: Path, width: int = 2) -> Path:
    with wave.open(str(path), "wb") as file:
        file.setparams((1, width, 8000, 0, "NONE", ""))
        file.writeframes(bytes(range(100)) * width)
    return path


def test_a_cut_file_is_refused_wherever_it_is_cut(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.ones((40, 1)))
    saved(tmp_path / "a.npz")
    sound(tmp_path / "a.wav")
    for name, module in (("a.npz", LINE), ("a.npy", SERIES), ("a.wav", SERIES)):
        path = tmp_path / name
        whole = path.read_bytes()
        checked(path, module)
        for cut in range(0, len(whole), 16):
            path.write_bytes(whole[:cut])
            with pytest.raises(DataError, match=name):
                checked(path, module)


@pytest.mark.parametrize("form", [".csv", ".jsonl"])
def test_a_cut_text_is_refused_or_is_the_beginning(form: str, tmp_path: Path) -> None:
    """What is left is whole rows, but for a number that is cut itself: a table does not say that it goes on."""
    path = write(form, tmp_path)
    content, whole = path.read_bytes(), checked(path, LABELLING)
    ends = [number for number, sign in enumerate(content) if sign == 10]
    refused = 0
    for cut in sorted({*range(0, len(content), 64), *ends, *(end - 1 for end in ends)}):
        path.write_bytes(content[:cut])
        try:
            found = checked(path, LABELLING)
        except DataError as error:
            assert path.name in str(error)
            refused += 1
            continue
        for b in range(len(found)):
            one, other = (data.batch(np.array([b])).given for data in (found, whole))
            last = b == len(found) - 1 and form == ".csv"
            for name, values in one.items():
                kept = len(values) - (last and values.ndim > 1)
                np.testing.assert_array_equal(values[:kept], other[name][:kept])
    assert refused >= len(content) // 128


@pytest.mark.parametrize("packed", [False, True])
def test_a_flipped_byte_of_an_npz_is_refused_or_changes_nothing(packed: bool, tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    draw = np.random.default_rng(1)
    arrays = {"x": draw.normal(size=(5, 2, 1)), "t": draw.normal(size=(5, 2, 1))}
    (np.savez_compressed if packed else np.savez)(path, **arrays)  # type: ignore[arg-type]
    whole = path.read_bytes()
    refused = 0
    for place in range(0, len(whole), 3):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 0x55]) + whole[place + 1 :])
        try:
            batch = checked(path, LINE).batch(np.arange(2))
        except DataError as error:
            assert "a.npz" in str(error)
            refused += 1
        else:
            np.testing.assert_array_equal(batch.given["x"], arrays["x"])
            np.testing.assert_array_equal(batch.given["t"], arrays["t"])
    assert refused > 0.6 * len(whole) / 3


def test_a_typing_mistake_does_not_hide_where_sequences_end(tmp_path: Path) -> None:
    arrays = {"x": np.ones((5, 3, 1)), "t": np.ones((5, 3, 1)), "length": np.array([5, 2, 3])}
    np.savez(tmp_path / "a.npz", **arrays)  # type: ignore[arg-type]
    for column in ("Sequence", "seq", "sequence_id"):
        (tmp_path / f"{column}.csv").write_text(f"{column},x.0,t.0\na,1,2\nb,1,2\n")
    for given, said in (
        (arrays, "data: nothing reads `length`; did you mean `lengths`"),
        (tmp_path / "a.npz", r"a\.npz: nothing reads `length`; did you mean `lengths`"),
        (tmp_path / "Sequence.csv", "nothing reads `Sequence`; did you mean `sequence`"),
        (tmp_path / "seq.csv", r"seq\.csv:1: nothing reads `seq`; did you mean `sequence`"),
        (tmp_path / "sequence_id.csv", "nothing reads `sequence_id`; did you mean `sequence`"),
    ):
        with pytest.raises(DataError, match=said):
            open_data(given, SERIES)
    both = open_data({**arrays, "lengths": np.array([5, 5, 5]), "other": np.ones(2)}, SERIES)
    assert both.unused == ("length", "other")


def none(path: Path) -> Path:
    np.savez(path, x=np.zeros((5, 0, 1)), t=np.zeros((5, 0, 1)))
    return path


def test_other_forms_of_files(tmp_path: Path) -> None:
    for path, said in (
        (tmp_path / "none.npz", "cannot read .*none.npz: no such file"),
        (tmp_path, "input `x` is missing; the file has nothing"),
        (none(tmp_path / "zero.npz"), r"zero\.npz: there is no sequence"),
        (sound(tmp_path / "b.wav", 1), "b.wav: 8 bits a sample; only 16"),
        (write(".csv", tmp_path), r"the network \(D\) = "),
    ):
        with pytest.raises(DataError, match=said):
            checked(path, SERIES)
    (tmp_path / "a.xyz").touch()
    with pytest.raises(DataError, match=r"a.xyz: unknown format; .* .npz, "):
        open_data(tmp_path / "a.xyz", SERIES)
    np.save(tmp_path / "b.npy", np.ones((5, 3)))
    with pytest.raises(DataError, match="the file has no names, and the network reads `"):
        open_data(tmp_path / "b.npy", LABELLING)


def test_the_values_are_looked_at_in_pieces(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("rnnc.runtime.data.columns.CHUNK", 16)
    for place in ((0, 0, 0), (3, 2, 0), (2, 1, 0)):
        path = saved(tmp_path / "a.npz", x=with_value(np.nan, *place))
        with pytest.raises(DataError, match=f"sequence {place[1]}, n {place[0]}, unit 0: input `x` is nan"):
            checked(path, LINE)
    ends = {"x": np.ones((7, 1)), "t": np.ones((7, 1)), "lengths": np.array([2, 1, 4])}
    ends["x"][5] = np.inf
    with pytest.raises(DataError, match="sequence 2, n 2, unit 0: input `x` is inf"):
        checked(saved(tmp_path / "a.npz", **ends), LINE)


def test_the_name_of_a_spec_is_no_module() -> None:
    with pytest.raises(DataError, match=r"`sums.rnn` is no module: rnnc.compile_file makes one"):
        fit("sums.rnn", {"x": np.ones((2, 2, 1))})
