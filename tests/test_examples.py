"""The examples in their quick form, and what they are made of. Digits are made up where scikit-learn is missing."""

from __future__ import annotations

import importlib
import importlib.util
import sys
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

EXAMPLES = Path(__file__).resolve().parent.parent / "examples"
LOADED = ("spanish", "spanish_numbers", "digit_strings", "digits", "reading_picture")


@pytest.fixture
def examples(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, ModuleType]]:
    """The modules of the examples, as a script among them sees them."""
    monkeypatch.syspath_prepend(str(EXAMPLES))
    yield {name: importlib.import_module(name) for name in LOADED}
    for name in LOADED:
        sys.modules.pop(name, None)


def test_no_example_hides_a_module_of_python() -> None:
    assert {path.stem for path in EXAMPLES.glob("*.py")} & sys.stdlib_module_names == set()


NUMERALS = (
    (0, "cero", "+0"),
    (1, "uno", "+1"),
    (12, "doce", "+2+10"),
    (16, "dieciseis", "+10+6"),
    (20, "veinte", "+2×10"),
    (21, "veintiuno", "+2×10+1"),
    (30, "treinta", "+3×10"),
    (77, "setentaysiete", "+7×10+7"),
    (100, "cien", "+100"),
    (101, "cientouno", "+100+1"),
    (515, "quinientosquince", "+5×100+5+10"),
    (999, "novecientosnoventaynueve", "+9×100+9×10+9"),
    (1006, "milseis", "+1000+6"),
    (2000, "dosmil", "(+2)×1000+()"),
    (12006, "docemilseis", "(+2+10)×1000+(+6)"),
    (21000, "veintiunmil", "(+2×10+1)×1000+()"),
    (31831, "treintayunmilochocientostreintayuno", "(+3×10+1)×1000+(+8×100+3×10+1)"),
    (100100, "cienmilcien", "(+100)×1000+(+100)"),
    (701020, "setecientosunmilveinte", "(+7×100+1)×1000+(+2×10)"),
)


@pytest.mark.parametrize(("number", "name", "said"), NUMERALS)
def test_spanish_numerals(number: int, name: str, said: str, examples: dict[str, ModuleType]) -> None:
    spanish = examples["spanish"]
    assert spanish.words(number) == name
    assert spanish.formula(spanish.symbols(number)) == said


def test_every_numeral_is_worth_its_number(examples: dict[str, ModuleType]) -> None:
    spanish = examples["spanish"]
    assert len(spanish.SYMBOLS) == 16
    names = set()
    sample = [*range(1200), *range(1200, 1_000_000, 977)]
    for number in sample:
        said, timed = spanish.symbols(number), spanish.timed(number)
        # Python's own arithmetic; a sum that is empty is 0.
        formula = spanish.formula(said).replace("×", "*").replace("()", "(0)")
        assert eval(formula) == spanish.value(said) == number
        assert tuple(symbol for symbol in timed if symbol) == said
        assert len(timed) == len(spanish.words(number))
        assert set(spanish.words(number)) <= set(spanish.LETTERS)
        names.add(spanish.words(number))
    assert len(names) == len(sample)
    for wrong in (-1, 1_000_000):
        with pytest.raises(ValueError, match="is not in 0"):
            spanish.words(wrong)


def test_symbols_are_certain_where_they_are_timed(examples: dict[str, ModuleType]) -> None:
    """Names that begin alike say the same up to there: a net that reads once, forward, can do it."""
    spanish = examples["spanish"]
    said: dict[str, str | None] = {}
    for number in [*range(3000), *range(3000, 1_000_000, 331)]:
        name, timed = spanish.words(number), spanish.timed(number)
        for end in range(1, len(name) + 1):
            assert said.setdefault(name[:end], timed[end - 1]) == timed[end - 1]


def test_distorted_letters_are_other_letters(examples: dict[str, ModuleType]) -> None:
    numbers = examples["spanish_numbers"]
    test = list(range(100_000, 101_000))
    clean, noisy = (numbers.batch_of(test, share, np.random.default_rng(0)) for share in (0.0, 0.1))
    inside = np.arange(len(clean.x))[:, None] < clean.letters
    changed = (clean.x != noisy.x).any(axis=2)[inside].mean()
    assert 0.09 < changed < 0.11
    assert (noisy.x.sum(axis=2) == 1.0).all()


def test_numbers_in_the_quick_form(examples: dict[str, ModuleType], capsys: pytest.CaptureFixture[str]) -> None:
    assert examples["spanish_numbers"].main(["--quick"]) == 0
    printed = capsys.readouterr().out
    [elman] = [line for line in printed.splitlines() if line.startswith("Elman, told when")]
    # 150 steps are a beginning, and far from none.
    assert float(elman.split()[3].rstrip("%")) > 10.0
    assert "99.0 %" in printed


def made_up(examples: dict[str, ModuleType], count: int, seed: int) -> object:
    """Ten random glyphs, each image with a little noise."""
    glyphs = np.random.default_rng(0).random((10, 8, 8)) > 0.5
    glyphs[:, 0, [0, 7]] = True
    draw = np.random.default_rng(seed)
    shown = draw.integers(10, size=count)
    images = np.clip(glyphs[shown] * draw.uniform(0.7, 1.0, (count, 8, 8)), 0.0, 1.0)
    return examples["digit_strings"].Digits(images, shown)


def read_digits(examples: dict[str, ModuleType], folder: Path, printed: pytest.CaptureFixture[str]) -> str:
    plot = folder / "reading.svg"
    assert examples["digits"].main(["--quick", "--plot", str(plot)]) == 0
    tree = ElementTree.parse(plot).getroot()
    assert tree.tag == "{http://www.w3.org/2000/svg}svg"
    assert len(list(tree.iter("{http://www.w3.org/2000/svg}polyline"))) >= 3
    text = printed.readouterr().out
    for row in ("nearest image", "best path", "beam of 25", "no writer identities", "read wrong"):
        assert row in text
    return text


def test_digits_in_the_quick_form(
    examples: dict[str, ModuleType],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(examples["digits"], "load", lambda: (made_up(examples, 60, 1), made_up(examples, 30, 2)))
    read_digits(examples, tmp_path, capsys)


@pytest.mark.skipif(importlib.util.find_spec("sklearn") is None, reason="scikit-learn is not installed")
def test_real_digits_in_the_quick_form(
    examples: dict[str, ModuleType], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    training, testing = examples["digit_strings"].load()
    assert len(training.images) == 1400
    assert len(testing.images) == 397
    kept = {image.tobytes() for image in training.images}
    assert not any(image.tobytes() in kept for image in testing.images)
    read_digits(examples, tmp_path, capsys)


def test_strings_are_read_back_where_gaps_part_them(examples: dict[str, ModuleType]) -> None:
    strings = examples["digit_strings"]
    known = made_up(examples, 40, 1)
    assert isinstance(known, strings.Digits)
    gap = np.zeros((8, 2))
    parts = [part for image in known.images[:5] for part in (gap, strings.inked(image))]
    string = strings.String(np.concatenate(parts, axis=1).T, tuple(known.shown[:5].tolist()))
    assert strings.nearest(string, known) == string.digits
    for seed in range(20):
        made = strings.compose([[strings.inked(i) for i in known.images]], known.shown, np.random.default_rng(seed))
        assert 3 <= len(made.digits) <= 8
        assert made.columns.shape[1] == 8
    for image in strings.warped(known.images, np.random.default_rng(0)):
        assert image.min() >= 0.0
        assert image.max() <= 1.0
        assert image.shape[0] == 8
