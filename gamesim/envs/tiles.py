"""The tiles as text, one character a pixel (``sprites`` names the colours). Pac-Man faces right."""


def _sheet(art: str) -> dict[str, str]:
    """Tiles that stand side by side, each below its name: name -> rows of pixels."""
    columns = zip(*map(str.split, art.strip().splitlines()), strict=True)
    return {name: " ".join(rows) for name, *rows in columns}


_EGO = _sheet("""
floor        wall         food         flag         pacman       caught       ghost
............ bbbbbbbbbbbd ............ ............ ............ ............ ............
............ bbbbbbbbbbdd ............ ..||GG...... ....YYYY.... ....YYYY.... ....RRRR....
............ bbBBBBBBBBdd ............ ..||GGGG.... ..YYYYYYYY.. ..YYYYYYYY.. ..RRRRRRRR..
............ bbBBBBBBBBdd ............ ..||GGGGGG.. ..YYYYYYYYY. ..YYYYRRYY.. .RRWWRRWWRR.
............ bbBBBBBBBBdd ....ffff.... ..||GGGGGGG. .YYYYYYYY... .YYYRRRRRRY. .RWWWWWWWWR.
............ bbBBBBBBBBdd ....ffff.... ..||GGGGGG.. .YYYYYY..... .YYRWWRRWWR. .RWWppWWppR.
............ bbBBBBBBBBdd ....ffff.... ..||GGGG.... .YYYYYY..... .YYRWpRRWpR. .RRWppRWppR.
............ bbBBBBBBBBdd ....ffff.... ..||GG...... .YYYYYYYY... .YYRRRRRRRR. .RRRRRRRRRR.
............ bbBBBBBBBBdd ............ ..||........ ..YYYYYYYYY. ..YRRRRRRRR. .RRRRRRRRRR.
............ bbBBBBBBBBdd ............ ..||........ ..YYYYYYYY.. ..YRRRRRRRR. .RRRRRRRRRR.
............ bddddddddddd ............ .||||....... ....YYYY.... ....RR.RR.R. .RR.RRRR.RR.
............ dddddddddddd ............ ............ ............ ............ .R...RR...R.
""") | _sheet("""
outside      power        frightened   door         eyes         fruit
/---/---/--- ............ ............ ............ ............ ............
---/---/---/ ............ ....FFFF.... ............ ............ ......||....
--/---/---/- ....ffff.... ..FFFFFFFF.. ............ ............ .....||.....
-/---/---/-- ...ffffff... .FFFFFFFFFF. ............ ...WW..WW... ...GG.|.GG..
/---/---/--- ..ffffffff.. .FFWWFFWWFF. ............ ..WWWWWWWW.. ..GGGGGGGGG.
---/---/---/ ..ffffffff.. .FFWWFFWWFF. ============ ..WWppWWpp.. .GGGGGGGWWG.
--/---/---/- ..ffffffff.. .FFFFFFFFFF. ============ ...WppWWpp.. .GGGGGGGWWG.
-/---/---/-- ..ffffffff.. .FFFFFFFFFF. ............ ............ .GGGGGGGGGG.
/---/---/--- ...ffffff... .FWFWWFFWWF. ............ ............ .GGGGGGGGGG.
---/---/---/ ....ffff.... .FFWFFWWFFF. ............ ............ ..GGGGGGGG..
--/---/---/- ............ .FF.FFFF.FF. ............ ............ ...GGG.GG...
-/---/---/-- ............ .F...FF...F. ............ ............ ............
""")

_BOARD = {
    "floor": "...... ...... ...... ...... ...... ......",
    "wall": "bbbbbd bBBBBd bBBBBd bBBBBd bBBBBd dddddd",
    "food": "...... ...... ..ff.. ..ff.. ...... ......",
    "flag": ".|GG.. .|GGG. .|GGGG .|GG.. .|.... ||....",
    "pacman": ".YYYY. YYYYYY YYY... YYY... YYYYYY .YYYY.",
    "ghost": ".RRRR. RWpRWp RWWRWW RRRRRR RRRRRR R.RR.R",
    "caught": ".YYYY. YYYRRY YYRWRW YYRRRR YYRRRR .YR.R.",
    "outside": "/--/-- --/--/ -/--/- /--/-- --/--/ -/--/-",
    "power": "...... .ffff. .ffff. .ffff. .ffff. ......",
    "frightened": ".FFFF. FFFFFF FWFFWF FFFFFF FWFWFW F.FF.F",
    "door": "...... ...... ====== ====== ...... ......",
    "eyes": "...... .WpWp. .WWWW. ...... ...... ......",
    "fruit": "...|.. .GGGG. GGGGWG GGGGGG GGGGGG .GGGG.",
}

_ARCADE = {
    "floor": ".... .... .... ....",
    "wall": "bBBd BBBd BBBd dddd",
    "food": ".... .ff. .ff. ....",
    "flag": "|GG. |GGG |GG. |...",
    "pacman": ".YYY YYY. YYY. .YYY",
    "ghost": ".RR. RWRW RRRR R.RR",
    "caught": ".YYY YYRW YYRR .YRR",
    "outside": "/-/- -/-/ /-/- -/-/",
    "power": ".ff. ffff ffff .ff.",
    "frightened": ".FF. FWFW FFFF FWFW",
    "door": ".... ==== ==== ....",
    "eyes": ".... WpWp .... ....",
    "fruit": "..|. GGWG GGGG .GG.",
}

_GARDEN_EGO = _sheet("""
floor        wall         food         outside      power
............ bbbbbdbbbbbd ............ ------------ ............
.,.......... BBBBBdBBBBBd ............ -//--------- ....ffff....
.,.....,.... BBBBBdBBBBBd .....ff..... /--/----//-- ...ffffff...
........,... dddddddddddd ...ffffff... -------/--/- ..ffffffff..
............ bbdbbbbbdbbb ...ffooff... ------------ .fffoooofff.
....,....... BBdBBBBBdBBB ..ffooooff.. ------------ .ffooooooff.
....,....,.. BBdBBBBBdBBB ..ffooooff.. ---//------- .ffooooooff.
.........,.. dddddddddddd ...ffooff... --/--/----// .fffoooofff.
............ bbbbbdbbbbbd ...ffffff... -/-------/-- ..ffffffff..
..,......... BBBBBdBBBBBd .....ff..... ------------ ...ffffff...
..,....,.... BBBBBdBBBBBd ............ ------//---- ....ffff....
........,... dddddddddddd ............ -----/--/--- ............
""")

_GARDEN_BOARD = {
    "wall": "bbdbbb BBdBBB dddddd bbbbdb BBBBdB dddddd",
    "food": "...... ..ff.. .foof. .foof. ..ff.. ......",
    "outside": "------ -//--- /--/-- ------ ---//- --/--/",
}

TILES: dict[str, dict[int, dict[str, str]]] = {
    "night": {12: _EGO, 6: _BOARD, 4: _ARCADE},
    "garden": {12: {**_EGO, **_GARDEN_EGO}, 6: {**_BOARD, **_GARDEN_BOARD}, 4: _ARCADE},
}
"""Theme -> tile size in pixels -> name -> rows of pixels."""
