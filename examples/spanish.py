"""Spanish numerals from 0 to 999,999, letter by letter, and what they say as sums and products.

    docemilseis    (+2+10)×1000+(+6)

The task of Castaño, Vidal and Casacuberta: words without spaces or accents go in, 16 symbols come out. An exact
thousand, `dosmil`, is (+2)×1000+() here, with an empty sum.
"""

from __future__ import annotations

SYMBOLS = (*(f"+{n}" for n in range(11)), "×10", "+100", "×100", "+1000", ")×1000+(")
LETTERS = "acdehilmnoqrstuvyz"  # those that occur

# A piece of a word and the symbols that it says; where a piece is over, they are certain.
Piece = tuple[str, tuple[str, ...]]

UNITS: tuple[tuple[Piece, ...], ...] = (
    (),
    (("un", ("+1",)), ("o", ())),
    (("dos", ("+2",)),),
    (("tres", ("+3",)),),
    (("cuatro", ("+4",)),),
    (("cinco", ("+5",)),),
    (("seis", ("+6",)),),
    (("siete", ("+7",)),),
    (("ocho", ("+8",)),),
    (("nueve", ("+9",)),),
)
TEENS: tuple[tuple[Piece, ...], ...] = (
    (("diez", ("+10",)),),
    (("once", ("+1", "+10")),),
    (("doce", ("+2", "+10")),),
    (("trece", ("+3", "+10")),),
    (("catorce", ("+4", "+10")),),
    (("quince", ("+5", "+10")),),
)
TENS: tuple[tuple[Piece, ...], ...] = (
    (),
    (("dieci", ("+10",)),),
    (("veinti", ("+2", "×10")),),
    (("treinta", ("+3", "×10")),),
    (("cuarenta", ("+4", "×10")),),
    (("cincuenta", ("+5", "×10")),),
    (("sesenta", ("+6", "×10")),),
    (("sete", ("+7",)), ("nta", ("×10",))),
    (("ochenta", ("+8", "×10")),),
    (("nove", ("+9",)), ("nta", ("×10",))),
)
HUNDREDS: tuple[tuple[Piece, ...], ...] = (
    (),
    (("cien", ("+100",)), ("to", ())),
    (*UNITS[2], ("cientos", ("×100",))),
    (*UNITS[3], ("cientos", ("×100",))),
    (*UNITS[4], ("cientos", ("×100",))),
    (("quinientos", ("+5", "×100")),),
    (*UNITS[6], ("cientos", ("×100",))),
    (("sete", ("+7",)), ("cientos", ("×100",))),
    (*UNITS[8], ("cientos", ("×100",))),
    (("nove", ("+9",)), ("cientos", ("×100",))),
)


def pieces(number: int) -> tuple[Piece, ...]:
    """A number from 0 to 999,999 as the pieces of its words, in order."""
    if not 0 <= number <= 999_999:
        raise ValueError(f"{number} is not in 0..999,999")
    if number == 0:
        return (("cero", ("+0",)),)
    thousands, rest = divmod(number, 1000)
    if thousands == 0:
        return _hundreds(rest)
    if thousands == 1:
        return (("mil", ("+1000",)), *_hundreds(rest))
    # Before another word `uno` is `un`: veintiunmil.
    before = _hundreds(thousands)
    before = before[:-1] if before[-1] == ("o", ()) else before
    return (*before, ("mil", (")×1000+(",)), *_hundreds(rest))


def _hundreds(number: int) -> tuple[Piece, ...]:
    """The pieces of 0..999; none for 0."""
    hundreds, rest = divmod(number, 100)
    if number == 100:
        return HUNDREDS[1][:1]
    return (*HUNDREDS[hundreds], *_tens(rest))


def _tens(number: int) -> tuple[Piece, ...]:
    tens, unit = divmod(number, 10)
    if number < 10:
        return UNITS[number]
    if number < 16:
        return TEENS[unit]
    if number == 20:
        return (("veinte", ("+2", "×10")),)
    link: tuple[Piece, ...] = (("y", ()),) if tens > 2 and unit else ()
    return (*TENS[tens], *link, *UNITS[unit])


def words(number: int) -> str:
    """The letters of a number's name."""
    return "".join(letters for letters, _ in pieces(number))


def symbols(number: int) -> tuple[str, ...]:
    """What the name says, as symbols."""
    return tuple(symbol for _, said in pieces(number) for symbol in said)


def timed(number: int) -> tuple[str | None, ...]:
    """At each letter, the symbol that is said there, or none; a piece says its symbols with its last letters."""
    return tuple(symbol for letters, said in pieces(number) for symbol in (*[None] * (len(letters) - len(said)), *said))


def formula(said: tuple[str, ...]) -> str:
    """The symbols with the brackets that go without saying: around each sum where there are thousands."""
    text = "".join(said)
    return f"({text})" if ")" in text else text


def value(said: tuple[str, ...]) -> int | None:
    """The number that a formula comes to; None where it is no formula."""
    total, terms = 0, []
    for symbol in said:
        if symbol == ")×1000+(":
            total, terms = total + 1000 * sum(terms), []
        elif symbol.startswith("×"):
            if not terms:
                return None
            terms[-1] *= int(symbol[1:])
        else:
            terms.append(int(symbol[1:]))
    return total + sum(terms)
