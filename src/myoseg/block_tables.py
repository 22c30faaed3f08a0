"""The block tables of the methods: the paper's two, both ablations, and the default model's."""

from typing import Final

from myoseg.anatomy import MYOCARDIUM, Sequence, Tissue
from myoseg.blocks import Architecture, Block, BlockTable

_THREE = (Architecture.UNET, Architecture.MASK_RCNN, Architecture.UNET_PLUS_PLUS)
_BP, _RV = Tissue.LV_BLOOD_POOL, Tissue.RV_BLOOD_POOL
_NM, _ME, _MS = Tissue.NORMAL_MYOCARDIUM, Tissue.EDEMA, Tissue.SCAR
_BSSFP, _ALL = (Sequence.BSSFP,), tuple(Sequence)


def _five_blocks(name: str, lvmems_input: Sequence, lvms_input: Sequence) -> BlockTable:
    return BlockTable(
        name=name,
        blocks=(
            Block("lv_blood_pool", _BSSFP, frozenset({_BP}), keep_largest=True),
            Block("rv_blood_pool", _BSSFP, frozenset({_RV})),
            Block("lv_epicardium", _BSSFP, MYOCARDIUM | {_BP}, keep_largest=True),
            Block("lvmems", (lvmems_input,), frozenset({_ME, _MS}), _THREE),
            Block("lvms", (lvms_input,), frozenset({_MS}), _THREE),
        ),
        confined=frozenset({_ME, _MS}),
    )


PAPER: Final = _five_blocks("paper", lvmems_input=Sequence.LGE, lvms_input=Sequence.T2)
"""Section 2.3 as printed: LGE for edema and scar together, T2 for scar."""

PHYSIOLOGICAL: Final = _five_blocks(
    "physiological", lvmems_input=Sequence.T2, lvms_input=Sequence.LGE
)
"""The same with the two sequences as Figure 4 draws them: T2 shows edema, LGE shows scar."""

UNET_ABLATION: Final = BlockTable(
    name="unet",
    blocks=(
        Block("lv_blood_pool", _ALL, frozenset({_BP}), keep_largest=True),
        Block("rv_blood_pool", _ALL, frozenset({_RV})),
        Block("normal_myocardium", _ALL, frozenset({_NM}), fill_holes=False),
        Block("edema", _ALL, frozenset({_ME})),
        Block("scar", _ALL, frozenset({_MS})),
    ),
)
"""Table 1, "UNet": one U-Net a tissue on the stacked sequences, no constraint."""

NO_ENCODER_ABLATION: Final = BlockTable(
    name="no_encoder",
    blocks=(
        *UNET_ABLATION.blocks[:3],
        Block("edema_and_scar", _ALL, frozenset({_ME, _MS}), _THREE),
        Block("scar", _ALL, frozenset({_MS}), _THREE),
    ),
)
"""Table 1, "Proposed" with a dagger: stacked sequences, three networks for ME+MS and MS."""

_ANATOMY = ("lv_blood_pool", "rv_blood_pool", "lv_epicardium")
_NOT_BSSFP = (Sequence.LGE, Sequence.T2)

CASCADE_KIND: Final = "cascade"
"""`kind` of a recipe and of a model whose blocks guide one another."""

CASCADE: Final = BlockTable(
    name="cascade",
    blocks=(
        Block(_ANATOMY[0], _BSSFP, frozenset({_BP}), keep_largest=True, substitutes=_NOT_BSSFP),
        Block(_ANATOMY[1], _BSSFP, frozenset({_RV}), keep_largest=True, substitutes=_NOT_BSSFP),
        Block(
            _ANATOMY[2],
            _BSSFP,
            MYOCARDIUM | {_BP},
            keep_largest=True,
            substitutes=_NOT_BSSFP,
        ),
        Block(
            "lvmems",
            (Sequence.T2,),
            frozenset({_ME, _MS}),
            optional=(Sequence.LGE,),
            guides=_ANATOMY,
        ),
        Block(
            "lvms",
            (Sequence.LGE,),
            frozenset({_MS}),
            optional=(Sequence.T2,),
            guides=_ANATOMY,
        ),
    ),
    confined=frozenset({_ME, _MS}),
)
"""The physiological blocks carried further: anatomy from any one sequence, bSSFP first; edema and
scar from T2 and LGE together, guided by the anatomy that was found."""

TABLES: Final[dict[str, BlockTable]] = {
    table.name: table for table in (PAPER, PHYSIOLOGICAL, UNET_ABLATION, NO_ENCODER_ABLATION)
}
