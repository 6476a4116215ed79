"""The arcade game: a maze with tunnels, power pellets and four ghosts, one cell a step.

A step, in this order:

1. Pac-Man turns to the action's direction where that way is free; on action 0 and on a blocked turn he keeps
   going the way he faces, and stands still at a wall. Tunnels lead to the other side.
2. A ghost there is met: a frightened one is eaten (+1; 200, 400, 800, 1600 points), an eaten one (a pair of
   eyes) does no harm, any other costs a life (-1) and ends the step.
3. Food is eaten (+0.5, 10 points), or a power pellet (+0.5, 50 points): all ghosts outside the house turn
   around and are frightened for a while, less in each level. The last food clears the level (+1). Twice a
   level, when FRUIT_AFTER so much food is gone, a fruit comes up below the house (+1, points by level) and
   stays for FRUIT_STEPS steps, or until a life is lost.
4. The ghosts move, each at its speed: a slower one skips some steps. Those that land on him are met as in 2.

After a life is lost and after a level is cleared the next step only sets the board up again, whatever its
action. The episode terminates when the last life is lost; a step limit truncates it without a penalty.

Ghosts aim as in the arcade: Blinky at Pac-Man; Pinky four cells ahead of him; Inky at the point opposite to
Blinky, seen from two cells ahead of him; Clyde at him from afar, at his own corner when near. In a scatter
phase each aims at its corner. They never turn around of their own accord, only when the phase changes.
"""

from gamesim.envs.arcade_maze import MAZE, SIZE
from gamesim.envs.layouts import EYES, FLOOR, FOOD, FRIGHTENED, POWER, sprinkle
from gamesim.envs.rules import DELTAS, FOOD_REWARD, LOSS, REVERSE, Game
from gamesim.envs.sprites import COLOURED, FLASHING, TREAT

LIVES, BONUS_LIFE = 3, 10_000
CORNERS = ((20, 0), (0, 0), (20, 20), (0, 20))
"""What Blinky, Pinky, Inky and Clyde aim at in a scatter phase."""
WAVES = (40, 140, 40, 140, 25, 140, 25)
"""Steps of scatter, chase, scatter, ... in a life; after the last, they chase for good."""
TEMPO = 20
"""A ghost of speed TEMPO moves every step, one of half that speed every other step."""
SLOW = TEMPO // 2
"""Speed in tunnels, in the house and when frightened."""
RELEASE = (0, 0, 20, 45)
"""Food to be eaten in this life until each ghost may leave the house."""
IDLE = 30
"""Without food for so many steps, the next ghost leaves all the same."""
FLASH = 10
"""Frightened ghosts flash in their last steps."""
FRUIT_AFTER = (50, 115)
"""Food eaten in a level, in all of its lives, when a fruit comes up."""
FRUIT_STEPS = 90
"""Steps for which a fruit stays."""
FRUIT_POINTS = (100, 300, 500, 700, 1000, 2000, 3000, 5000)
"""What it is worth in levels 1, 2, ...; from level 8 on, the last."""


def ghost_speed(level: int) -> int:
    """Speed of a hunting ghost, of TEMPO: 0.8 of Pac-Man's in level 1, 0.95 from level 4 on."""
    return min(15 + level, TEMPO - 1)


def fright_steps(level: int) -> int:
    """Steps for which a power pellet works: 40 in level 1, 10 from level 6 on."""
    return max(46 - 6 * level, 10)


class ArcadeGame(Game):
    """One arcade game.

    Args:
        num_ghosts: 0 to 4, in the order Blinky, Pinky, Inky, Clyde.
        food_density: Share of the food that is there, 1 for all.
        max_steps: See `Game`.
    """

    def __init__(self, num_ghosts: int, food_density: float, max_steps: int | None) -> None:
        super().__init__(SIZE, num_ghosts, food_density, max_steps)

    def _begin(self) -> None:
        self.score, self.lives, self.level, self.gains = 0, LIVES, 0, ()
        self._next_level()

    def _next_level(self) -> None:
        self.level += 1
        self.cells = bytearray(MAZE.cells)
        if self.food_density < 1:
            kept = sprinkle(self.rng, self.food_density, len(self.cells))
            for i, cell in enumerate(self.cells):
                if cell == FOOD and not kept >> i & 1:
                    self.cells[i] = FLOOR
        self.food_left = self.food_laid = self.cells.count(FOOD) + self.cells.count(POWER)
        self._take_posts()

    def _take_posts(self) -> None:
        """Everybody at the start, at the begin of a level and of each life."""
        count = self.num_ghosts
        self.pending = ""
        self.pacman, self.facing = MAZE.start, 1
        self.ghosts = list(MAZE.posts[:count])
        self.directions = [1, 3, 3, 3][:count]
        self.modes = ["scatter", "house", "house", "house"][:count]
        self.clocks = [0] * count
        self.turning = [False] * count
        self.leaving = [True, True, False, False][:count]
        self.wave, self.wave_steps, self.fright, self.combo = 0, 0, 0, 0
        self.eaten_food, self.idle = 0, 0
        self._clear_fruit()

    @property
    def phase(self) -> str:
        """What the schedule says: "scatter" or "chase"."""
        return "chase" if self.wave % 2 else "scatter"

    def _play(self, action: int) -> float:
        self.gains = ()
        if self.pending:
            self._next_level() if self.pending == "level" else self._take_posts()
            return 0.0
        self._move_pacman(action)
        reward = self._meet()
        if not self.pending:
            reward += self._eat()
        if not self.pending:
            self.keep_time()
            for i in range(self.num_ghosts):
                self._move_ghost(i)
            reward += self._meet()
        return reward

    def _move_pacman(self, action: int) -> None:
        ways = MAZE.ways[self.pacman]
        if action and ways[action]:
            self.facing = action
        if ways[self.facing]:
            self.pacman = ways[self.facing]
        else:
            self.events += ("blocked",)

    def _meet(self) -> float:
        reward = 0.0
        for i, cell in enumerate(self.ghosts):
            if cell != self.pacman:
                continue
            if self.modes[i] == "frightened":
                self.modes[i] = "eaten"
                self._gain(200 << self.combo, "ghost")
                self.combo = min(self.combo + 1, 3)
                reward += 1.0
            elif self.modes[i] != "eaten":
                self.lives -= 1
                self.pending = "life"
                self.events += ("eaten",)
                if not self.lives:
                    self.terminated = True
                    self.events += ("over",)
                return reward + LOSS
        return reward

    def _eat(self) -> float:
        cell = self.cells[self.pacman]
        self.idle += 1
        if cell == TREAT:
            self._gain(FRUIT_POINTS[min(self.level, len(FRUIT_POINTS)) - 1], "fruit")
            self._clear_fruit()
            return 1.0
        if cell not in (FOOD, POWER):
            return 0.0
        self.cells[self.pacman] = FLOOR
        self.food_left -= 1
        self.eaten_food += 1
        self.idle = 0
        if cell == POWER:
            self._earn(50, "power")
            self._frighten()
        else:
            self._earn(10, "food")
        if self.food_left:
            if self.food_laid - self.food_left in FRUIT_AFTER:
                self.cells[MAZE.treat], self.fruit = TREAT, FRUIT_STEPS + 1  # with the running one
            return FOOD_REWARD
        self.pending = "level"
        self.events += ("level",)
        return FOOD_REWARD + 1.0

    def _earn(self, points: int, event: str) -> None:
        before, self.score = self.score, self.score + points
        self.events += (event,)
        if before < BONUS_LIFE <= self.score:
            self.lives += 1
            self.events += ("life",)

    def _gain(self, points: int, event: str) -> None:
        """Earn what is shown where it was earned."""
        self.gains += ((*MAZE.xy[self.pacman], points),)
        self._earn(points, event)

    def _clear_fruit(self) -> None:
        self.cells[MAZE.treat], self.fruit = FLOOR, 0

    def _frighten(self) -> None:
        self.fright, self.combo = fright_steps(self.level), 0
        for i, mode in enumerate(self.modes):
            if mode in ("scatter", "chase"):
                self.modes[i] = "frightened"
                self.turning[i] = True

    def keep_time(self) -> None:
        """One step of the fruit, of the schedule, which stands still during a fright, and of the house."""
        if self.fruit:
            self.fruit -= 1
            if not self.fruit:
                self._clear_fruit()
        if self.fright:
            self.fright -= 1
            if not self.fright:
                self.modes = [self.phase if mode == "frightened" else mode for mode in self.modes]
        elif self.wave < len(WAVES):
            self.wave_steps += 1
            if self.wave_steps == WAVES[self.wave]:
                self.wave, self.wave_steps = self.wave + 1, 0
                for i, mode in enumerate(self.modes):
                    if mode in ("scatter", "chase"):
                        self.modes[i] = self.phase
                        self.turning[i] = True
        if all(self.leaving):
            return
        waiting = [i for i, leaving in enumerate(self.leaving) if not leaving]
        for i in waiting:
            self.leaving[i] = self.eaten_food >= RELEASE[i]
        if waiting and self.idle >= IDLE:
            self.leaving[waiting[0]] = True
            self.idle = 0

    def speed(self, i: int) -> int:
        """Speed of ghost ``i`` now, of TEMPO; Blinky is faster when little food is left."""
        mode = self.modes[i]
        if mode == "eaten":
            return TEMPO
        if mode in ("frightened", "house") or self.ghosts[i] in MAZE.tunnel:
            return SLOW
        return min(ghost_speed(self.level) + (i == 0 and self.food_left <= 20), TEMPO)

    def _move_ghost(self, i: int) -> None:
        self.clocks[i] += self.speed(i)
        if self.clocks[i] < TEMPO:
            return
        self.clocks[i] -= TEMPO
        here, mode = self.ghosts[i], self.modes[i]
        if mode == "eaten":
            self._follow(i, MAZE.home[here])
            if self.ghosts[i] == MAZE.nest:
                self.modes[i], self.leaving[i] = "house", True
        elif mode == "house":
            if self.leaving[i]:
                self._follow(i, MAZE.leave[here])
            if self.ghosts[i] == MAZE.door:
                self.modes[i], self.directions[i], self.turning[i] = self.phase, 1, False
        else:
            self.directions[i] = way = self.choose(i)
            self.ghosts[i] = MAZE.ways[here][way]

    def _follow(self, i: int, way: int) -> None:
        """One cell along a way that may lead through the door of the house."""
        if way:
            self.ghosts[i], self.directions[i] = MAZE.beside(self.ghosts[i], way), way

    def choose(self, i: int) -> int:
        """The direction in which a ghost outside the house leaves its cell."""
        here, came = self.ghosts[i], self.directions[i]
        if self.turning[i]:
            self.turning[i] = False
            if MAZE.ways[here][REVERSE[came]]:
                return REVERSE[came]
        options = MAZE.onward[here][came]
        if len(options) == 1:
            return options[0]
        if self.modes[i] == "frightened":
            return options[int(self.rng.random() * len(options))]
        (tx, ty), ways, xy = self.target(i), MAZE.ways[here], MAZE.xy
        far = [(x - tx) ** 2 + (y - ty) ** 2 for x, y in [xy[ways[d]] for d in options]]
        return options[far.index(min(far))]

    def target(self, i: int) -> tuple[int, int]:
        """(x, y) that ghost ``i`` aims at in its present mode (scatter or chase); may lie off the MAZE."""
        if self.modes[i] == "scatter":
            return CORNERS[i]
        (x, y), (dx, dy) = MAZE.xy[self.pacman], DELTAS[self.facing]
        if i == 1:
            return x + 4 * dx, y + 4 * dy
        if i == 2:
            bx, by = MAZE.xy[self.ghosts[0]]
            return 2 * (x + 2 * dx) - bx, 2 * (y + 2 * dy) - by
        if i == 3:
            gx, gy = MAZE.xy[self.ghosts[3]]
            return (x, y) if (gx - x) ** 2 + (gy - y) ** 2 > 64 else CORNERS[3]
        return x, y

    @property
    def ghost_sprites(self) -> list[int]:
        scared = FLASHING if self.fright <= FLASH and self.fright % 2 else FRIGHTENED
        return [
            scared if mode == "frightened" else EYES if mode == "eaten" else COLOURED + i
            for i, mode in enumerate(self.modes)
        ]

    def _colour_and_mode(self, i: int) -> tuple[int, str]:
        return i, self.modes[i]
