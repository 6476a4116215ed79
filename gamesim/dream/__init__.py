"""A learned engine as an environment, which is played like any game.

`DreamVectorEnv` dreams many lanes at once; `DreamEnv` is one lane of it, which can be looked into and changed
by hand. A dream begins with real frames, its checkpoint's own or given ones, and goes on without any. It ends
when the engine predicts an end with p > 0.5 (the rule of World Models, Ha & Schmidhuber 2018).

Every lane draws from a stream of its own, so that lane ``i`` of a batch that was reset with seed ``s`` is
the single dream that was reset with ``s + i``. The same seed, actions and batch size give the same dream to
the bit on the CPU; between batch sizes the engine's arithmetic may differ in the last bit of a float.
"""

from gamesim.dream.batch import HOTTEST, DreamState, DreamVectorEnv
from gamesim.dream.beginnings import Source
from gamesim.dream.single import CHANGES, DreamEnv

__all__ = ["CHANGES", "HOTTEST", "DreamEnv", "DreamState", "DreamVectorEnv", "Source"]
