"""The kinds of fruit as data: shape, skin, and the colours of their varieties."""

from dataclasses import dataclass, replace

from pomona.samples.bodies import Body
from pomona.samples.fruits import Finish

__all__ = ["KINDS", "Kind", "Skin", "Spots"]


@dataclass(frozen=True, slots=True)
class Spots:
    """Dots in rows from pole to pole; the radius counts in half the distance between rows."""

    rows: int
    radius: float
    colour: str
    strength: float = 1.0
    raised: float = 0.0


@dataclass(frozen=True, slots=True)
class Skin:
    """Colouring of one kind of fruit; strengths are shares of the colour, 0 for none.

    ``blush`` is the share that the second colour covers, ``streaks`` how far it runs along the
    meridians, ``net`` and ``stripes`` draw in the second colour, ``top`` and ``bottom`` are the
    colour and the width of a patch around the poles, ``leaves`` is (count, reach in radians).
    """

    finish: Finish = Finish()
    mottle: float = 0.08
    grain: float = 0.03
    rough: float = 0.0
    blush: float = 0.0
    streaks: float = 0.0
    bloom: float = 0.0
    net: float = 0.0
    stripes: int = 0
    ribs: tuple[int, float] = (0, 0.0)
    spots: Spots | None = None
    top: tuple[str, float] = ("", 0.0)
    bottom: tuple[str, float] = ("", 0.0)
    leaves: tuple[int, float] = (0, 0.0)


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of fruit; varieties are "name first-colour second-colour, ...", "-" for no name."""

    name: str
    body: Body
    skin: Skin
    varieties: str

    def list_varieties(self) -> list[tuple[str, str, str]]:
        """Return (name, first colour, second colour) of each variety."""
        rows = [variety.rsplit(maxsplit=2) for variety in self.varieties.split(", ")]
        return [("" if name == "-" else name, first, second) for name, first, second in rows]


_CITRUS = Skin(Finish(0.24, 3), 0.05, 0.04, rough=0.007, spots=Spots(26, 0.4, "7a4a10", 0.22))
_DOTS = Spots(17, 0.13, "f3e2b0", 0.5)
_PORES = Spots(30, 0.25, "6b5a20", 0.6)
_FLECKS = Spots(12, 0.17, "5a3a12", 0.6)
_SEEDS = Spots(13, 0.3, "e8c66a", 0.85, raised=-0.12)
_STALK, _LEAF = (116.0, 116.0, 50.0), (88.0, 122.0, 54.0)

KINDS = (
    Kind(
        "Apple",
        Body(0.93, power=2.15, top=(0.24, 0.07), bottom=(0.14, 0.06), stem=(0.3, 0.045)),
        Skin(Finish(0.3, 4), blush=0.45, streaks=0.7, top=("8a7a35", 0.05), spots=_DOTS),
        "Red b0202a 7d0f1c, Golden dcc04a c9a83a, Green 8fb53a a9c455, Pink e6d29a d2566a, "
        "Red Yellow e3bf55 b3202c",
    ),
    Kind(
        "Pear",
        Body(1.36, waist=(0.2, 0.68, 0.42), bottom=(0.06, 0.04), stem=(0.34, 0.05)),
        Skin(Finish(0.2, 3), blush=0.2, streaks=0.1, bottom=("4a3a20", 0.012), spots=_PORES),
        "Green a3b04a b9b95a, Yellow d8c050 c98a3a, Red 8e2b2e b3563a, Brown a87b3e 8a5f2c",
    ),
    Kind(
        "Orange",
        Body(0.96, top=(0.03, 0.02)),
        replace(_CITRUS, top=("5f7a2a", 0.004)),
        "- ee8412 d96a08, Blood d9541e a82a1a, Pale f0a238 e58c20",
    ),
    Kind(
        "Lemon",
        Body(1.2, top=(-0.2, 0.035), bottom=(-0.12, 0.05), lean=(40.0, 80.0)),
        replace(_CITRUS, top=("8a9a30", 0.006)),
        "- efc92c d9b020, Meyer eeab22 d98c14, Lime 6f9a34 92b048",
    ),
    Kind(
        "Banana",
        Body(form="arc", bend=95.0, ball_radius=0.3, stem=(0.24, 0.085), lean=(50.0, 80.0)),
        Skin(
            Finish(0.12, 3, stem_colour=_STALK), ribs=(5, 0.12), spots=_FLECKS, top=("8c9a3a", 0.2)
        ),
        "- e3c235 d0b030, Green 9dae3c b4b848, Red 8c3a30 a85a40",
    ),
    Kind(
        "Plum",
        Body(1.08, top=(0.08, 0.05), stem=(0.2, 0.03)),
        Skin(Finish(0.3, 4), blush=0.35, bloom=0.5, ribs=(1, 0.16)),
        "Blue 3a2038 561f33, Red 8a1e34 b03040, Yellow d9a93a cc7a3a",
    ),
    Kind(
        "Tomato",
        Body(0.84, power=2.3, top=(0.12, 0.07), bottom=(0.04, 0.04)),
        Skin(Finish(0.55, 5), 0.04, 0.01, blush=0.15, ribs=(5, 0.05), leaves=(5, 0.75)),
        "Red cf2a14 e0521e, Yellow efb022 e8c040, Maroon 6e2420 4f3a24",
    ),
    Kind(
        "Kiwi",
        Body(1.2, girth=0.92, power=2.3, lean=(35.0, 75.0)),
        Skin(Finish(0.03, 2, fuzz=0.2), 0.12, 0.2, rough=0.014, bottom=("3a2a18", 0.015)),
        "- 94734a 7e6040, Gold b08d52 a07c44",
    ),
    Kind(
        "Strawberry",
        Body(1.32, waist=(0.2, -0.66, 0.55), power=2.05),
        Skin(Finish(0.5, 5), 0.06, 0.03, blush=0.12, leaves=(8, 0.8), spots=_SEEDS),
        "- c3161c d94a34, White f0dcc8 e8a8a0",
    ),
    Kind(
        "Grape",
        Body(
            1.35, form="bunch", balls=40, ball_radius=0.36, waist=(0.4, -0.8, 0.6), stem=(0.5, 0.06)
        ),
        Skin(Finish(0.34, 4), blush=0.3, bloom=0.35),
        "Blue 2c2a4c 46284c, White b5c060 c9c878, Pink b0505c c98080",
    ),
    Kind(
        "Cherry",
        Body(0.92, girth=0.93, top=(0.2, 0.09), stem=(0.55, 0.04)),
        Skin(Finish(0.85, 6, stem_colour=_STALK), 0.05, 0.01, blush=0.3),
        "Red a3101c 7d0c18, Black 3a0a14 521020, Rainier ecc062 d0382c",
    ),
    Kind(
        "Peach",
        Body(0.94, top=(0.16, 0.06), bottom=(-0.05, 0.03)),
        Skin(Finish(0.04, 2, fuzz=0.25), 0.1, 0.06, blush=0.5, streaks=0.25, ribs=(1, 0.2)),
        "- e8a850 b8383a, White eed6a8 cf6a6a, Red d98048 94202c",
    ),
    Kind(
        "Watermelon",
        Body(1.18, power=2.1, lean=(50.0, 85.0)),
        Skin(Finish(0.2, 3), 0.1, 0.06, stripes=9, top=("8a8048", 0.006)),
        "- 93ab58 2c5a2c, Dark 4f7a3c 1f3f22, Yellow d9bf48 b08c2c",
    ),
    Kind(
        "Melon",
        Body(1.02, top=(0.03, 0.01)),
        Skin(Finish(0.08, 2), 0.06, 0.06, rough=0.004, net=0.9, ribs=(9, 0.05)),
        "Cantaloupe cfa555 ecdcae, Galia b0a648 e3d9a8, Green 6f8a4c c5cc9c",
    ),
    Kind(
        "Blueberry",
        Body(0.88, top=(0.22, 0.04), lean=(20.0, 60.0)),
        Skin(Finish(0.12, 3), 0.1, 0.03, blush=0.25, bloom=0.75, top=("1c1a2c", 0.03)),
        "- 2e3560 3a2c54, Dark 1f2038 2c2038",
    ),
    Kind(
        "Raspberry",
        Body(1.2, form="bunch", balls=78, ball_radius=0.245, waist=(0.3, -0.75, 0.5)),
        Skin(Finish(0.32, 4, fuzz=0.1), 0.05, 0.03, blush=0.2),
        "Red b5213a cf4a58, Black 2a1626 451a30, Yellow e0a83c e8c070",
    ),
    Kind(
        "Eggplant",
        Body(1.6, waist=(0.16, 0.7, 0.5), stem=(0.3, 0.11), lean=(10.0, 50.0)),
        Skin(Finish(0.6, 5, stem_colour=_LEAF), 0.04, 0.01, blush=0.1, leaves=(5, 0.8)),
        "Purple 2e1830 44204a, White e8e0c8 d8d0a8, Violet 8a5a86 e0cfd4",
    ),
    Kind(
        "Avocado",
        Body(1.34, waist=(0.14, 0.72, 0.45), stem=(0.05, 0.08)),
        Skin(Finish(0.16, 3), 0.15, 0.12, rough=0.018, blush=0.2),
        "- 4c6a2e 5f7a34, Ripe 2e2a26 3d3a2a",
    ),
    Kind(
        "Pomegranate",
        Body(0.98, power=2.2, top=(-0.24, 0.02), stem=(0.1, 0.15)),
        Skin(Finish(0.24, 4), 0.12, 0.05, blush=0.5, streaks=0.3, ribs=(6, 0.04), spots=_DOTS),
        "- b3303a d98a50, Pale e0b070 c25a4c",
    ),
    Kind(
        "Pepper",
        Body(1.12, power=2.7, top=(0.22, 0.08), bottom=(0.12, 0.08), stem=(0.4, 0.1)),
        Skin(Finish(0.65, 5, stem_colour=_LEAF), 0.04, 0.01, blush=0.1, ribs=(4, 0.3)),
        "Red b8121a cc3018, Green 2f6a2a 4a8434, Yellow f0b818 e8a010",
    ),
    Kind(
        "Mango",
        Body(1.3, girth=0.82, waist=(0.07, 0.75, 0.4), stem=(0.12, 0.05), lean=(20.0, 60.0)),
        Skin(Finish(0.2, 3), 0.08, 0.04, blush=0.45, spots=_DOTS),
        "- c9a83c b8503a, Green 6f8e3c 8f9a44, Red b0402c 7f8a3a",
    ),
)
