"""Draw one synthetic fruit on white: a solid of revolution or a union of balls, and the light."""

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

__all__ = ["Body", "Finish", "Fruit", "Pose", "bake_fruit", "draw_fruit", "lay_texels"]

FloatArray = NDArray[np.floating[Any]]
IntArray = NDArray[np.intp]
UInt8Array = NDArray[np.uint8]

PROFILE_STEPS = 4096  # fine enough that the outline shows no steps at 2048 pixels
CAST_STEPS = 8  # thirty change the mean pixel by less than half a grey level
RIM_STEPS = 17  # samples of a ray that may just miss
FILL = 0.96  # Fruits-360 crops each picture to the fruit; the rest is room for the jitter
LIGHT = (-0.42, 0.56, 0.714)  # unit vector: above, to the left, in front
HALFWAY = (-0.227, 0.302, 0.926)  # unit vector between LIGHT and the viewer
AMBIENT, DIFFUSE = 0.34, 0.80
ARC_RINGS = 30


@dataclass(frozen=True, slots=True)
class Body:
    """Shape of one kind of fruit; lengths count in its equatorial radius, angles in degrees.

    ``top``, ``bottom`` are (depth, width) of the dimples at the poles, a negative depth being a
    nipple; ``waist`` is (depth, height, width) of a ring drawn in; ``power`` above 2 makes the
    side view boxier; ``stem`` is (length, radius); ``lean`` is the range of the angle between
    the fruit's axis and the turntable's. ``form`` other than "solid" builds the fruit of
    ``balls`` balls: along an arc of ``bend`` degrees, or packed on the body's surface.
    """

    height: float = 1.0
    girth: float = 1.0
    power: float = 2.0
    top: tuple[float, float] = (0.0, 0.1)
    bottom: tuple[float, float] = (0.0, 0.1)
    waist: tuple[float, float, float] = (0.0, 0.0, 1.0)
    stem: tuple[float, float] = (0.0, 0.0)
    lean: tuple[float, float] = (4.0, 22.0)
    form: Literal["solid", "arc", "bunch"] = "solid"
    balls: int = 0
    ball_radius: float = 0.2
    bend: float = 0.0


@dataclass(frozen=True, slots=True)
class Finish:
    """How a skin takes the light: highlight, its sharpness in squarings, pale rim, stem colour."""

    gloss: float = 0.2
    sharpness: int = 4
    fuzz: float = 0.0
    stem_colour: tuple[float, float, float] = (92.0, 68.0, 44.0)


@dataclass(frozen=True, slots=True)
class Balls:
    """Balls of one fruit in body coordinates; a ring of a tube has a tangent, a berry has none."""

    centre: FloatArray  # (n_balls, 3)
    radius: FloatArray  # (n_balls,)
    tangent: FloatArray  # (n_balls, 3)
    along: FloatArray  # (n_balls,) place along a tube, -1 to 1; 0 for a berry
    tone: FloatArray  # (n_balls,) factor on the brightness
    is_stem: NDArray[np.bool_]  # (n_balls,)


@dataclass(frozen=True, slots=True)
class Fruit:
    """One variety, ready to be drawn at any angle; built by `bake_fruit`."""

    body: Body
    finish: Finish
    axes: FloatArray  # (3,) half-axes of the ellipsoid that the profile is bent from
    middle: float  # height of the middle of the fruit on its axis
    profile: FloatArray  # (PROFILE_STEPS + 1,) radius by cosine of the polar angle
    slope: FloatArray  # its derivative
    steepest: float  # how much faster than the distance the gap to the surface can change
    texture: FloatArray  # (6, n_texels): red, green, blue in 0-255, bump x, y, z
    balls: Balls
    lean: float
    pitch: float


@dataclass(frozen=True, slots=True)
class Pose:
    """How one frame is taken: angles in radians, shift in half picture widths."""

    spin: float
    shift: tuple[float, float] = (0.0, 0.0)
    zoom: float = 1.0
    exposure: float = 1.0


@dataclass(frozen=True, slots=True)
class Surface:
    """The pixels that one part of the fruit won, as flat arrays over those pixels."""

    pixels: IntArray  # (n,) places in the flattened picture
    texels: IntArray  # (n,)
    normal: FloatArray  # (3, n) in body coordinates, any length
    to_world: FloatArray  # (3, 3) takes ``normal`` to the viewer's axes
    tone: FloatArray | float = 1.0
    is_stem: NDArray[np.bool_] | None = None


def bake_fruit(
    body: Body, finish: Finish, *, texture: FloatArray, rng: np.random.Generator
) -> Fruit:
    """Return a fruit with all that does not depend on the frame worked out.

    Parameters
    ----------
    body, finish : Body, Finish
        Shape and surface.
    texture : float32 array of shape (6, n_texels)
        Red, green, blue in 0-255 and the bump x, y, z at the directions of `lay_texels`.
    rng : numpy Generator
        Draws the lean and the places of the balls.

    Returns
    -------
    Fruit
        Scaled so that it fits the picture at every angle.
    """
    lean = math.radians(float(rng.uniform(*body.lean)))
    pitch = math.radians(float(rng.uniform(8.0, 20.0)))
    cosine, profile = _trace_profile(body)
    axes = np.array([1.0, body.height, body.girth])
    heights = cosine * profile * body.height
    middle = float(heights.max() + heights.min()) / 2
    sine = np.sqrt(1 - cosine**2)
    slope = np.gradient(profile, cosine)
    balls = _place_balls(body, top=float(heights[-1]), rng=rng)
    if body.form == "solid":
        reach = float(np.hypot(sine * profile * max(1.0, body.girth), heights - middle).max())
    else:
        middle, reach = 0.0, 0.0
    ends = np.linalg.norm(balls.centre - np.array([0.0, middle, 0.0]), axis=1) + balls.radius
    reach = max(reach, float(ends.max(initial=0.0)))
    scale = FILL / reach
    return Fruit(
        body=body,
        finish=finish,
        axes=axes * scale,
        middle=middle * scale,
        profile=profile.astype(np.float32),
        slope=slope.astype(np.float32),
        steepest=float(np.hypot(1.0, slope * sine / profile).max()),
        texture=texture,
        balls=Balls(
            balls.centre * scale,
            balls.radius * scale,
            balls.tangent,
            balls.along,
            balls.tone,
            balls.is_stem,
        ),
        lean=lean,
        pitch=pitch,
    )


def lay_texels(side: int) -> FloatArray:
    """Return the directions of a square texture that is folded around the octahedron.

    Parameters
    ----------
    side : int
        Texels along one side.

    Returns
    -------
    float64 array of shape (3, side * side)
        Unit vectors in body coordinates, y being the fruit's axis.

    References
    ----------
    Cigolle et al. 2014, A Survey of Efficient Representations for Independent Unit Vectors,
    section 3 (oct) - no poles, and only sums and quotients to look a direction up.
    """
    line = (np.arange(side) + 0.5) * 2 / side - 1
    x, z = np.tile(line, side), np.repeat(line, side)
    y = 1 - np.abs(x) - np.abs(z)
    fold = np.maximum(-y, 0.0)
    directions = np.stack([x - np.copysign(fold, x), y, z - np.copysign(fold, z)])
    unit: NDArray[np.floating] = directions / np.linalg.norm(directions, axis=0)
    return unit


def _find_texels(x: FloatArray, y: FloatArray, z: FloatArray, *, texture: FloatArray) -> IntArray:
    """Return the places in `lay_texels` of directions of any length."""
    side = math.isqrt(texture.shape[1])
    scale = (side / 2) / (np.abs(x) + np.abs(y) + np.abs(z) + 1e-9)
    fold = np.maximum(-y, 0.0)
    column = ((x + np.copysign(fold, x)) * scale + side / 2).astype(np.intp)
    row = ((z + np.copysign(fold, z)) * scale + side / 2).astype(np.intp)
    return np.minimum(row, side - 1) * side + np.minimum(column, side - 1)


def draw_fruit(fruit: Fruit, pose: Pose, *, size: int) -> UInt8Array:
    """Return the picture of a fruit on white, seen along parallel rays.

    Parameters
    ----------
    fruit : Fruit
        From `bake_fruit`.
    pose : Pose
        Angle, shift, zoom and exposure of this frame.
    size : int
        Side of the picture in pixels.

    Returns
    -------
    uint8 array of shape (size, size, 3)
        RGB.
    """
    rotation = _turn(fruit, pose.spin)
    depth = np.full(size * size, -9.0, dtype=np.float32)
    inside = np.full(size * size, -1.0, dtype=np.float32)
    owner = np.full(size * size, -1, dtype=np.int16)
    centre = -rotation[:, 1] * fruit.middle * pose.zoom + np.array([*pose.shift, 0.0])
    surfaces = []
    if fruit.body.form == "solid":
        surfaces.append(_cast_solid(fruit, pose, rotation, centre, depth, inside, size))
    if len(fruit.balls.radius):
        _splat_balls(fruit, pose, rotation, centre, (depth, inside, owner), size)
        surfaces.append(_read_balls(fruit, pose, rotation, centre, (depth, owner), size))
    canvas = np.full((3, size * size), 255.0, dtype=np.float32)
    for surface in surfaces:
        _shade(surface, fruit, exposure=pose.exposure, canvas=canvas)
    cover = np.clip(inside + 0.5, 0.0, 1.0)
    canvas = 255.5 + cover * (np.clip(canvas, 0.0, 255.0) - 255.0)
    return np.ascontiguousarray(canvas.T.astype(np.uint8)).reshape(size, size, 3)


def _trace_profile(body: Body) -> tuple[FloatArray, FloatArray]:
    """Return the cosines of the polar angle and the body's radius at each, before the axes."""
    cosine = np.linspace(-1.0, 1.0, PROFILE_STEPS + 1)
    sine = np.sqrt(1 - cosine**2)
    radius = (np.abs(cosine) ** body.power + sine**body.power) ** (-1 / body.power)
    radius -= body.top[0] * np.exp((cosine - 1) / body.top[1])
    radius -= body.bottom[0] * np.exp((-cosine - 1) / body.bottom[1])
    radius -= body.waist[0] * np.exp(-(((cosine - body.waist[1]) / body.waist[2]) ** 2))
    return cosine, radius / (radius * sine).max()


def _place_balls(body: Body, *, top: float, rng: np.random.Generator) -> Balls:
    """Return the balls of the fruit and of its stem, in equatorial radii."""
    parts = []
    if body.form == "arc":
        parts.append(_bend_tube(body))
    elif body.form == "bunch":
        parts.append(_pack_bunch(body, rng))
    if body.stem[0] > 0:
        parts.append(_grow_stem(body, top=top, rng=rng))
    if not parts:
        none, flat = np.zeros((0, 3)), np.zeros(0)
        return Balls(none, flat, none, flat, flat, np.zeros(0, dtype=np.bool_))
    return Balls(
        *(
            np.concatenate([getattr(part, name) for part in parts])
            for name in ("centre", "radius", "tangent", "along", "tone", "is_stem")
        )
    )


def _bend_tube(body: Body) -> Balls:
    along = np.linspace(-1.0, 1.0, ARC_RINGS)
    half = math.radians(body.bend) / 2
    bow = body.height / max(math.sin(half), 1e-3)
    centre = np.stack(
        [
            bow * (np.cos(along * half) - (1 + math.cos(half)) / 2),
            bow * np.sin(along * half),
            0 * along,
        ],
        axis=1,
    )
    tangent = np.stack([-np.sin(along * half), np.cos(along * half), 0 * along], axis=1)
    # Ends: blunt below, drawn out to a neck above.
    radius = body.ball_radius * (1 - 0.62 * np.abs(along) ** 5 - 0.16 * (along > 0) * along**2)
    return Balls(
        centre, radius, tangent, along, np.ones(ARC_RINGS), np.zeros(ARC_RINGS, dtype=np.bool_)
    )


def _pack_bunch(body: Body, rng: np.random.Generator) -> Balls:
    """Spread balls over the body by the golden angle, each moved a little."""
    n_outer, n_inner = body.balls, body.balls // 4
    n_balls = n_outer + n_inner
    ball = np.arange(n_balls)
    outer = ball < n_outer
    step = np.where(outer, (ball + 0.5) / n_outer, (ball - n_outer + 0.5) / max(n_inner, 1))
    cosine, profile = _trace_profile(body)
    polar = 1 - 2 * step
    radius = np.interp(polar, cosine, profile)
    azimuth = ball * math.pi * (3 - math.sqrt(5))
    side = np.sqrt(1 - polar**2)
    centre = np.stack([side * np.cos(azimuth), polar, side * np.sin(azimuth)], axis=1)
    centre *= (radius * np.where(outer, 1.0, 0.5))[:, None] * np.array(
        [1.0, body.height, body.girth]
    )
    jitter = body.ball_radius * 0.3
    centre += rng.uniform(-jitter, jitter, size=centre.shape)
    return Balls(
        centre,
        body.ball_radius * rng.uniform(0.9, 1.1, size=n_balls),
        np.zeros((n_balls, 3)),
        np.zeros(n_balls),
        rng.uniform(0.86, 1.1, size=n_balls),
        np.zeros(n_balls, dtype=np.bool_),
    )


def _grow_stem(body: Body, *, top: float, rng: np.random.Generator) -> Balls:
    length, radius = body.stem
    rings = max(4, math.ceil(length / radius))
    step = np.linspace(0.0, 1.0, rings)
    bow = float(rng.uniform(-0.35, 0.35)) * length
    sideways = bow * step**2
    if body.form == "arc":
        half = math.radians(body.bend) / 2
        foot = _bend_tube(body).centre[-1]
        ahead = np.array([-math.sin(half), math.cos(half), 0.0])
        centre = foot + step[:, None] * length * ahead
    else:
        centre = np.stack([sideways, top - radius + step * length, 0 * step], axis=1)
    tangent = np.gradient(centre, axis=0)
    tangent /= np.linalg.norm(tangent, axis=1, keepdims=True)
    return Balls(
        centre,
        radius * (1.15 - 0.5 * step + 0.45 * step**4),
        tangent,
        np.zeros(rings),
        np.linspace(0.85, 1.1, rings),
        np.ones(rings, dtype=np.bool_),
    )


def _turn(fruit: Fruit, spin: float) -> FloatArray:
    """Return the rotation from body to viewer: lean, then the turntable, then the camera."""
    cl, sl = math.cos(fruit.lean), math.sin(fruit.lean)
    cs, ss = math.cos(spin), math.sin(spin)
    cp, sp = math.cos(fruit.pitch), math.sin(fruit.pitch)
    lean = np.array([[cl, -sl, 0.0], [sl, cl, 0.0], [0.0, 0.0, 1.0]])
    turn = np.array([[cs, 0.0, ss], [0.0, 1.0, 0.0], [-ss, 0.0, cs]])
    camera = np.array([[1.0, 0.0, 0.0], [0.0, cp, -sp], [0.0, sp, cp]])
    rotation: NDArray[np.floating] = camera @ turn @ lean
    return rotation


@lru_cache(maxsize=4)
def _lay_grid(size: int) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return pixel centres: along one side, and x and y of the flattened picture (y upwards)."""
    side = ((np.arange(size) + 0.5) * 2 / size - 1).astype(np.float32)
    return side, np.tile(side, size), np.repeat(-side, size)


def _cast_solid(
    fruit: Fruit,
    pose: Pose,
    rotation: FloatArray,
    centre: FloatArray,
    depth: FloatArray,
    inside: FloatArray,
    size: int,
) -> Surface:
    """Walk each ray to the solid, never further than the gap left (sphere tracing).

    In body coordinates divided by the axes the solid is a ball of radius ``profile(c)``, ``c``
    the cosine of the polar angle, so the gap is the distance from the centre less that radius.
    """
    to_body = rotation.T / (fruit.axes * pose.zoom)[:, None]
    (ax, bx, dx), (ay, by, dy), (az, bz, dz) = to_body.tolist()
    _, grid_x, grid_y = _lay_grid(size)
    # The squared distance of a ray from the centre is a quadratic form of its place.
    along2 = dx * dx + dy * dy + dz * dz
    fa, fb = ax * dx + ay * dy + az * dz, bx * dx + by * dy + bz * dz
    qxx = ax * ax + ay * ay + az * az - fa * fa / along2
    qyy = bx * bx + by * by + bz * bz - fb * fb / along2
    qxy = ax * bx + ay * by + az * bz - fa * fb / along2
    x, y = grid_x - float(centre[0]), grid_y - float(centre[1])
    away2 = x * (qxx * x + 2 * qxy * y) + qyy * (y * y)
    pixel, widest = 2.0 / size, float(fruit.profile.max())
    reach = widest + pixel / float(fruit.axes.min() * pose.zoom)
    pixels = np.flatnonzero(away2 < reach * reach)
    x, y, away2 = x.take(pixels), y.take(pixels), away2.take(pixels)
    away = np.sqrt(away2)
    nearest = (fa * x + fb * y) * (-1 / along2)
    rays = _Rays(away2, ay * x + by * y + dy * nearest, along2, dy)

    room = -rays.measure_gap(np.float32(0.0), fruit)[0]
    steep = np.hypot(qxx * x + qxy * y, qxy * x + qyy * y) / np.maximum(away, 1e-6)
    steep = np.maximum(steep * pixel, 1e-6)  # body units per pixel; 0 at the very centre
    start = np.sqrt(np.maximum(reach * reach - away2, 0.0) * (1 / along2))
    rim = np.flatnonzero(room < steep)
    start[rim], room[rim] = _scan_rim(rays.take(rim), start.take(rim), fruit)
    inside[pixels] = room / steep
    z, stride = start, 1 / (fruit.steepest * math.sqrt(along2))
    for _ in range(CAST_STEPS):
        z = z - rays.measure_gap(z, fruit)[0] * stride
    _, length, entry = rays.measure_gap(z, fruit)
    z = z + nearest
    depth[pixels] = np.where(room > -0.5 * steep, z, -9.0)
    px, pz = (ax * x + bx * y + dx * z) / length, (az * x + bz * y + dz * z) / length
    cosine = (ay * x + by * y + dy * z) / length
    bend = fruit.slope.take(entry) / length
    swell = 1 + bend * cosine
    return Surface(
        pixels=pixels,
        texels=_find_texels(px, cosine, pz, texture=fruit.texture),
        normal=np.stack([px * swell, cosine * swell - bend, pz * swell]),
        to_world=to_body.T,
    )


@dataclass(frozen=True, slots=True)
class _Rays:
    """Rays in body coordinates, measured from where each is nearest to the centre."""

    away2: FloatArray  # (n,) squared distance from the centre there
    height: FloatArray  # (n,) height over the equator there
    along2: float  # squared length of one step of depth
    rise: float  # height gained in one step of depth

    def take(self, places: IntArray) -> "_Rays":
        return _Rays(self.away2.take(places), self.height.take(places), self.along2, self.rise)

    def measure_gap(
        self, z: FloatArray | np.float32, fruit: Fruit
    ) -> tuple[FloatArray, FloatArray, IntArray]:
        """Return gap to the solid at depth z, distance to the centre, place in the profile."""
        length = np.sqrt(self.away2 + self.along2 * (z * z))
        cosine = (self.height + self.rise * z) / np.maximum(length, 1e-6)
        entry = (cosine * (PROFILE_STEPS / 2) + (PROFILE_STEPS / 2 + 0.5)).astype(np.intp)
        # Through the very centre rounding can put the cosine past 1: stay inside the profile.
        entry = np.clip(entry, 0, PROFILE_STEPS)
        return length - fruit.profile.take(entry), length, entry


def _scan_rim(rays: _Rays, start: FloatArray, fruit: Fruit) -> tuple[FloatArray, FloatArray]:
    """Return where to start on rays that may miss, and how deep each goes into the solid.

    Over a dimple a ray can pass the middle outside and still cut the rim before or behind it.
    """
    steps = np.linspace(1.0, -1.0, RIM_STEPS, dtype=np.float32)[:, None]
    gaps = rays.measure_gap(start * steps, fruit)[0]
    first = np.where((gaps < 0).any(axis=0), (gaps < 0).argmax(axis=0) - 1, gaps.argmin(axis=0))
    return start * steps[np.maximum(first, 0), 0], -gaps.min(axis=0)


def _splat_balls(
    fruit: Fruit,
    pose: Pose,
    rotation: FloatArray,
    centre: FloatArray,
    buffers: tuple[FloatArray, FloatArray, NDArray[np.int16]],
    size: int,
) -> None:
    """Write into the buffers the pixels where a ball is the nearest thing to the viewer."""
    side = _lay_grid(size)[0]
    depth, inside, owner = (buffer.reshape(size, size) for buffer in buffers)
    places = (fruit.balls.centre * pose.zoom) @ rotation.T + centre
    radii = fruit.balls.radius * pose.zoom
    for number, ((x, y, z), radius) in enumerate(zip(places.tolist(), radii.tolist(), strict=True)):
        left, right = _span(x, radius, size)
        top, bottom = _span(-y, radius, size)
        rows, columns = side[top:bottom] + y, side[left:right] - x
        room = (radius * radius - rows * rows)[:, None] - columns * columns
        rim = room * (size / (4 * radius))  # pixels inside the outline, right near the outline
        front = z + np.sqrt(np.maximum(room, 0.0))
        patch = np.s_[top:bottom, left:right]
        won = (rim > -0.5) & (front > depth[patch])
        np.copyto(depth[patch], front, where=won)
        np.copyto(owner[patch], number, where=won)
        np.maximum(inside[patch], rim, out=inside[patch])


def _span(place: float, radius: float, size: int) -> tuple[int, int]:
    first = math.floor((place - radius + 1) * size / 2) - 1
    last = math.ceil((place + radius + 1) * size / 2) + 1
    return max(first, 0), max(min(last, size), 0)


def _read_balls(
    fruit: Fruit,
    pose: Pose,
    rotation: FloatArray,
    centre: FloatArray,
    buffers: tuple[FloatArray, NDArray[np.int16]],
    size: int,
) -> Surface:
    """Return normals and texels of the pixels that balls own."""
    depth, owner = buffers
    _, grid_x, grid_y = _lay_grid(size)
    pixels = np.flatnonzero(owner >= 0)
    which = owner.take(pixels)
    balls = fruit.balls
    z = depth.take(pixels)
    seen = np.stack([grid_x.take(pixels), grid_y.take(pixels), z])
    seen -= centre.astype(np.float32)[:, None]
    (ax, bx, cx), (ay, by, cy), (az, bz, cz) = (rotation.T / pose.zoom).tolist()
    middle = balls.centre.T.astype(np.float32)[:, which]
    x = ax * seen[0] + bx * seen[1] + cx * seen[2] - middle[0]
    y = ay * seen[0] + by * seen[1] + cy * seen[2] - middle[1]
    w = az * seen[0] + bz * seen[1] + cz * seen[2] - middle[2]
    # On a tube the part along the tangent comes from the ball's own roundness: take it out.
    tx, ty, tz = balls.tangent.T.astype(np.float32)[:, which]
    lengthwise = x * tx + y * ty + w * tz
    inverse = 1 / balls.radius.astype(np.float32)[which]
    normal = np.stack([x - lengthwise * tx, y - lengthwise * ty, w - lengthwise * tz]) * inverse
    along = balls.along.astype(np.float32)[which]
    girth = np.sqrt(1 - along * along)
    texels = _find_texels(
        normal[0] * girth, normal[1] * girth + along, normal[2] * girth, texture=fruit.texture
    )
    tone = balls.tone.astype(np.float32)[which]
    if fruit.body.form == "bunch":
        tone = tone * np.clip(0.62 + 0.5 * z, 0.3, 1.0)  # less light falls between the berries
    return Surface(pixels, texels, normal, rotation, tone, balls.is_stem[which])


def _shade(surface: Surface, fruit: Fruit, *, exposure: float, canvas: FloatArray) -> None:
    """Write lit colours into the canvas: wrapped Lambert, dark rim, one highlight."""
    finish = fruit.finish
    texture = fruit.texture.take(surface.texels, axis=1)
    if surface.is_stem is None:
        gloss: FloatArray | float = finish.gloss * 255
    else:
        stem = np.flatnonzero(surface.is_stem)
        texture[:3, stem] = np.array(finish.stem_colour, dtype=np.float32)[:, None]
        texture[3:, stem] = 0
        gloss = np.where(surface.is_stem, 10.0, finish.gloss * 255).astype(np.float32)
    x, y, z = surface.normal - texture[3:]
    rows = surface.to_world.tolist()
    wx, wy, wz = (row[0] * x + row[1] * y + row[2] * z for row in rows)
    scale = 1 / np.sqrt(np.maximum(wx * wx + wy * wy + wz * wz, 1e-9))
    lambert = (LIGHT[0] * wx + LIGHT[1] * wy + LIGHT[2] * wz) * scale
    mirror = (HALFWAY[0] * wx + HALFWAY[1] * wy + HALFWAY[2] * wz) * scale
    facing = np.maximum(wz * scale, 0.0)
    light = AMBIENT * (0.55 + 0.45 * facing) + DIFFUSE * np.maximum(0.86 * lambert + 0.14, 0.0)
    light += finish.fuzz * (1 - facing) ** 2
    light *= surface.tone * exposure
    shine = np.maximum(mirror, 0.0)
    for _ in range(finish.sharpness):
        shine *= shine
    shine = shine * gloss * exposure
    canvas[:, surface.pixels] = texture[:3] * light + shine
