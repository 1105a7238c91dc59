"""The scene of a simulated contact trial, in MuJoCo's XML (MJCF): an object on the ground, and a robot with a tactile pad above it.

The robot: a carriage on three actuated slides (x, y, z: position controllers, as on a gantry), below it a passive wrist of two hinges with
springs (roll, pitch), below that the pad, with a force-torque sensor between wrist and pad. Gravity is compensated. The pad is a grid of
16×16 small rigid spheres with soft contacts: each pushes back in proportion to its indentation (Winkler's elastic foundation), with
friction. MuJoCo's `touch_grid` sums the contacts' normal forces by taxel: it bins directions as seen from a point 200 mm behind the pad,
from where taxels are equally wide to 1 %.

The contacts' impedance (solimp) is small and constant, so that a contact is a plain spring and damper. Near 1, its usual value, each
contact also resists acceleration, and fifty contacts damp the pad far too much.
"""

import math
from dataclasses import dataclass

SHAPES = ("sphere", "cube_face", "cube_edge", "cube_corner", "cylinder_side", "cylinder_end", "cone", "ring")
SIDE, PITCH_M, TAXEL_M, BEHIND_M = 16, 0.0025, 0.0012, 0.2  # the pad: taxels per side, their pitch and radius, distance of the viewpoint
STEP_S = 0.002
TUBE = 0.25  # of the ring: radius of its tube / radius of the ring


@dataclass(frozen=True)
class ContactTrial:
    """One trial: the object, its pose, and the pad's motion. Lengths in mm, angles in degrees."""

    shape: str
    size_mm: float  # radius, or half the edge of a cube
    stiffness: float  # of the contact / of the pad
    friction: float
    x_mm: float
    y_mm: float
    yaw_deg: float
    tilt_deg: tuple[float, float]  # about x and y
    gap_mm: float  # between pad and object at the start
    depth_mm: float  # from first contact
    speed_mm_s: float


def top_mm(trial: ContactTrial) -> float:
    """Return the height of the object above its centre, not tilted."""
    by_size = {"cube_edge": math.sqrt(2), "cube_corner": math.sqrt(3), "ring": TUBE}
    return trial.size_mm * by_size.get(trial.shape, 1.0)


_SCENE = """<mujoco>
<option timestep="{step_s}" integrator="implicitfast" cone="elliptic" impratio="20" gravity="0 0 0"/>
<extension><plugin plugin="mujoco.sensor.touch_grid"/></extension>
<default>
  <geom condim="3" friction="{friction} 0.005 0.0001" solref="-{stiffness} -{damping}" solimp="0.02 0.02 0.001"/>
  <default class="taxel"><geom type="sphere" size="{taxel_m}" mass="0" contype="1" conaffinity="2"/></default>
  <default class="object"><geom contype="2" conaffinity="1"/></default>
</default>
<asset>{asset}</asset>
<worldbody>
  <body pos="{x} {y} {z}" euler="{tilt_x} {tilt_y} {yaw}">{geoms}</body>
  <body pos="0 0 {pad_z}">
    <inertial pos="0 0 0" mass="0.5" diaginertia="1e-3 1e-3 1e-3"/>
    <joint name="x" type="slide" axis="1 0 0"/><joint name="y" type="slide" axis="0 1 0"/><joint name="z" type="slide" axis="0 0 1"/>
    <body>
      <inertial pos="0 0 0" mass="0.1" diaginertia="1e-4 1e-4 1e-4"/>
      <joint type="hinge" axis="1 0 0" stiffness="1.5" damping="0.03"/><joint type="hinge" axis="0 1 0" stiffness="1.5" damping="0.03"/>
      <body pos="0 0 -0.03">
        <inertial pos="0 0 0" mass="0.05" diaginertia="2e-5 2e-5 2e-5"/>
        <site name="pad"/><site name="eye" pos="0 0 {behind_m}"/>{taxels}
      </body>
    </body>
  </body>
</worldbody>
<actuator>
  <position joint="x" kp="6000" kv="120"/><position joint="y" kp="6000" kv="120"/><position joint="z" kp="6000" kv="120"/>
</actuator>
<sensor>
  <plugin plugin="mujoco.sensor.touch_grid" objtype="site" objname="eye">
    <config key="nchannel" value="1"/><config key="size" value="{side} {side}"/>
    <config key="fov" value="{half_view_deg} {half_view_deg}"/><config key="gamma" value="0"/>
  </plugin>
  <force site="pad"/><torque site="pad"/>
</sensor>
</mujoco>"""


def scene_xml(trial: ContactTrial) -> str:
    """Return the scene as MJCF; the pad's underside starts `gap_mm` above the object's top."""
    asset, geoms = _shape(trial.shape, trial.size_mm / 1000)
    stiffness = 400 * trial.stiffness  # per mass (m/s² per m): about 250 N/m for each taxel
    return _SCENE.format(
        step_s=STEP_S,
        friction=trial.friction,
        stiffness=stiffness,
        damping=stiffness / 100,
        taxel_m=TAXEL_M,
        asset=asset,
        geoms=geoms,
        x=trial.x_mm / 1000,
        y=trial.y_mm / 1000,
        z=-top_mm(trial) / 1000,
        tilt_x=trial.tilt_deg[0],
        tilt_y=trial.tilt_deg[1],
        yaw=trial.yaw_deg,
        pad_z=0.03 + trial.gap_mm / 1000,
        behind_m=BEHIND_M,
        taxels=_taxels(),
        side=SIDE,
        half_view_deg=math.degrees(math.atan(SIDE / 2 * PITCH_M / BEHIND_M)),
    )


def _taxels() -> str:
    """Return the spheres of the pad."""
    middle = (SIDE - 1) / 2
    return "".join(
        f'<geom class="taxel" pos="{(column - middle) * PITCH_M:.5f} {(row - middle) * PITCH_M:.5f} {TAXEL_M}"/>'
        for row in range(SIDE)
        for column in range(SIDE)
    )


def _shape(shape: str, size: float) -> tuple[str, str]:
    """Return the assets and the geoms of a shape of `size` (m) around its centre."""
    third, sixth = math.sqrt(1 / 3), math.sqrt(1 / 6)
    corner = f"{2 * sixth} 0 {third} {-sixth} {math.sqrt(0.5)} {third}"  # turns the diagonal (1, 1, 1) upright
    simple = {
        "sphere": f'type="sphere" size="{size}"',
        "cube_face": f'type="box" size="{size} {size} {size}"',
        "cube_edge": f'type="box" size="{size} {size} {size}" euler="45 0 0"',
        "cube_corner": f'type="box" size="{size} {size} {size}" xyaxes="{corner}"',
        "cylinder_side": f'type="cylinder" size="{size} {size}" euler="90 0 0"',
        "cylinder_end": f'type="cylinder" size="{size} {size}"',
        "cone": 'type="mesh" mesh="cone"',
    }
    if shape in simple:
        asset = f'<mesh name="cone" vertex="0 0 {size} {_circle(32, size)}"/>' if shape == "cone" else ""
        return asset, f'<geom class="object" {simple[shape]}/>'
    points = _circle(24, size).split("  ")
    tube = f'class="object" type="capsule" size="{TUBE * size}"'
    return "", "".join(f'<geom {tube} fromto="{a} {b}"/>' for a, b in zip(points, [*points[1:], points[0]], strict=True))


def _circle(n: int, radius: float) -> str:
    """Return the points of a regular polygon in the plane z = 0, two spaces between them."""
    angles = [2 * math.pi * i / n for i in range(n)]
    return "  ".join(f"{radius * math.cos(angle):.8f} {radius * math.sin(angle):.8f} 0" for angle in angles)
