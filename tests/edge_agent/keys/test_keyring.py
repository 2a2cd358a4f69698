"""Rotation at the gateway: who signs what; a crash between any two steps leaves usable keys.

Central is played by protocols' own key schedule; the journal by one fact: where its KEY leaf is.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from edge_agent.keys.key_files import KeyFileError, StateFiles
from edge_agent.keys.keyring import LOG_KEY, NEXT_KEY, OLD_KEY, ROTATION, SCHEDULE, Keys
from edge_agent.keys.keys import create_keys, load_keys
from edge_agent.keys.rotation import State
from protocols.evidence.errors import NotHeld
from protocols.evidence.key_change import KeyChange, Place
from protocols.evidence.keys import KeySchedule
from protocols.evidence.leaf import Log, Origin

PLACE = Place(0, 10, 200)
OLD, NEW, SALT = b"o" * 32, b"n" * 32, b"s" * 32
AT_CENTRAL = {Log.BILLING: (0, 5), Log.TELEMETRY: (0, 150)}


class Crash(Exception):  # noqa: N818  # what happened is the name
    """The program ended here."""


class Failing(StateFiles):
    """Ends the program before its nth step on the disk."""

    def __init__(self, directory: Path, steps: int) -> None:
        super().__init__(directory)
        self.left = steps
        self.done: list[str] = []

    def before(self, step: str) -> None:
        if self.left == 0:
            raise Crash(step)
        self.left -= 1
        self.done.append(step)


class World:
    """What outlives a crash: the state directory, the journal's KEY leaf, and central."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        secrets = iter((SALT, OLD))
        create_keys(directory, "gw-1", lambda _: next(secrets))
        self.key_leaf: tuple[Place, KeyChange] | None = None
        self.sizes = dict(AT_CENTRAL)
        self.central = KeySchedule.of(load_keys(directory).signer.vkey)

    def start(self, files: StateFiles) -> Keys:
        """Load as the agent does, and compare with the journal."""
        keys = load_keys(self.directory, files)
        place = keys.rotation.place if keys.rotation else None
        keys.begin(0, self.key_leaf is not None and self.key_leaf[0] == place, self.sizes)
        return keys

    def go_on(self, keys: Keys) -> None:
        """Ticks and uploads until no rotation is under way; each upload is judged by central."""
        for _ in range(12):
            if keys.rotation is None:
                return
            if keys.wants_leaf(0):
                change = keys.attempt(PLACE)
                self.key_leaf = (PLACE, change)
            keys.committed({})
            for log, size in ((Log.BILLING, 11), (Log.TELEMETRY, 200)):
                if self.sizes[log][1] < size:
                    self._upload(keys, log, size)
                    break
        raise AssertionError(f"a rotation that does not end: {keys.rotation}")

    def _upload(self, keys: Keys, log: Log, size: int) -> None:
        signer = keys.signer_for(log, 0, size)
        assert self.central.key_for(Origin("gw-1", log, 0), size).vkey == signer.vkey
        self.sizes[log] = (0, size)
        if log is Log.BILLING and self.key_leaf is not None:
            self.central = self.central.rotated(self.key_leaf[1], 0, self.key_leaf[0].seq)
        keys.committed({log: (0, size)})


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def rotate(world: World, files: StateFiles) -> None:
    keys = world.start(files)
    keys.want(lambda _: NEW)
    world.go_on(keys)


def steps_of_a_rotation(directory: Path) -> list[str]:
    files = Failing(directory, -1)
    rotate(World(directory), files)
    return files.done


def test_a_rotation_ends_with_the_new_key_alone(world: World) -> None:
    """Central wants it, the old one is nowhere on the disk, and what it signed stays known."""
    old = load_keys(world.directory).signer.vkey
    rotate(world, StateFiles(world.directory))
    keys = load_keys(world.directory)
    assert keys.signer.vkey == world.central.newest != old
    assert keys.schedule == world.central
    assert sorted(path.name for path in world.directory.iterdir()) == [
        LOG_KEY,
        SCHEDULE,
        "salt.secret",
    ]
    assert keys.verifier_for(Origin("gw-1", Log.BILLING, 0), 11).vkey == old
    with pytest.raises(NotHeld, match="destroyed since"):
        keys.signer_for(Log.BILLING, 0, 11)
    assert keys.signer_for(Log.BILLING, 0, 12).vkey == keys.signer.vkey


STEPS = [
    "destroy log.key.next", "remove log.key.next",
    "write log.key.next", "name log.key.next",
    "write rotation", "name rotation",  # wanted
    "write rotation", "name rotation",  # attempted
    "write rotation", "name rotation",  # recorded
    "write rotation", "name rotation",  # receipted
    "write log.keys", "name log.keys",
    "rename log.key", "rename log.key.next",
    "destroy log.key.old", "remove log.key.old",
    "remove rotation",
]  # fmt: skip


def test_the_table_of_crash_points_is_whole(tmp_path: Path) -> None:
    """A rotation has these steps on the disk, and no other."""
    assert steps_of_a_rotation(tmp_path) == STEPS


@pytest.mark.parametrize("journal_took_it", [True, False])
@pytest.mark.parametrize("at", range(len(STEPS)))
def test_a_crash_before_any_step_leaves_keys_that_go_on(
    world: World, at: int, journal_took_it: bool
) -> None:
    """Central believes whatever is signed next, and the rotation ends, or was never begun."""
    old = load_keys(world.directory).signer.vkey
    with pytest.raises(Crash):
        rotate(world, Failing(world.directory, at))
    if not journal_took_it and world.sizes == AT_CENTRAL:
        world.key_leaf = None  # the crash came before the journal's commit
    shown = load_keys(world.directory)  # a reader beside changes nothing
    assert shown.signer.vkey in (old, world.central.newest)
    keys = world.start(StateFiles(world.directory))
    world.go_on(keys)
    assert keys.signer.vkey == world.central.newest
    if keys.signer.vkey == old:
        keys.want(lambda _: NEW)
        world.go_on(keys)
    held = b"".join(path.read_bytes() for path in world.directory.iterdir())
    names = {path.name for path in world.directory.iterdir()}
    assert not names & {NEXT_KEY, OLD_KEY, ROTATION}
    assert load_keys(world.directory).signer.vkey == world.central.newest != old
    assert b"b29v" not in held  # base64 of the old secret's bytes


@pytest.mark.parametrize("at", range(len(STEPS)))
def test_two_crashes_are_no_worse_than_one(world: World, at: int) -> None:
    """The way back may be cut too, after any number of steps."""
    with pytest.raises(Crash):
        rotate(world, Failing(world.directory, at))
    for again in range(12):
        try:
            world.go_on(world.start(Failing(world.directory, again)))
            break
        except Crash:
            continue
    world.go_on(world.start(StateFiles(world.directory)))
    assert load_keys(world.directory).signer.vkey == world.central.newest


def begun(world: World) -> Keys:
    """With a KEY leaf in the journal, and nothing of it at central."""
    keys = world.start(StateFiles(world.directory))
    keys.want(lambda _: NEW)
    world.key_leaf = (PLACE, keys.attempt(PLACE))
    keys.committed({})
    return keys


def test_a_batch_ends_at_the_boundary_and_telemetry_beyond_it_waits(world: World) -> None:
    """Central cannot believe the new key before it has the KEY leaf."""
    keys = begun(world)
    old, new = keys.signer.vkey, keys.schedule.newest
    assert keys.boundary(Log.BILLING, 0) == 11
    assert keys.boundary(Log.TELEMETRY, 0) == 200
    assert keys.boundary(Log.BILLING, 1) is None
    assert [keys.signer_for(Log.BILLING, 0, size).vkey for size in (11, 12)] == [old, new]
    assert [keys.signer_for(Log.TELEMETRY, 0, size).vkey for size in (200, 201)] == [old, new]
    assert [keys.must_wait(Log.TELEMETRY, 0, first) for first in (199, 200)] == [False, True]
    assert not keys.must_wait(Log.BILLING, 0, 11)
    keys.committed({Log.BILLING: (0, 11)})
    assert not keys.must_wait(Log.TELEMETRY, 0, 200)
    assert keys.signer.vkey == new
    assert keys.boundary(Log.TELEMETRY, 0) == 200


def test_an_epoch_that_opens_before_the_receipt_leaves_a_doubt_that_central_ends(
    world: World,
) -> None:
    """The key that central takes is the right one; where it is the old one, it rotates again."""
    keys = begun(world)
    old, new = keys.signer.vkey, keys.schedule.newest
    keys.epoch_opened(1)
    assert keys.signer_for(Log.BILLING, 1, 1).vkey == old
    assert keys.boundary(Log.BILLING, 0) is None
    assert keys.refused()
    assert keys.signer_for(Log.BILLING, 1, 1).vkey == new
    assert keys.refused()
    keys.committed({Log.TELEMETRY: (1, 5)})  # says nothing of the boundary
    assert not keys.wants_leaf(1)
    keys.committed({Log.BILLING: (1, 5)})
    assert keys.wants_leaf(1)
    assert not keys.refused()
    keys.attempt(Place(1, 5, 5))
    assert keys.signer_for(Log.BILLING, 1, 7).vkey == new


def test_central_that_had_the_key_leaf_wants_the_new_key_in_the_new_epoch(world: World) -> None:
    """Then the rotation is over, whatever the lost journal knew."""
    keys = begun(world)
    new = keys.schedule.newest
    keys.epoch_opened(1)
    assert keys.refused()
    keys.committed({Log.BILLING: (1, 5)})
    assert keys.rotation is None
    assert keys.signer.vkey == load_keys(world.directory).signer.vkey == new
    assert keys.verifier_for(Origin("gw-1", Log.BILLING, 0), 12).vkey == new


@pytest.mark.parametrize(
    ("epoch", "is_key_leaf", "state", "doubts"),
    [
        (0, True, State.RECORDED, False),
        (0, False, State.RECORDED, True),  # an older copy of the journal
        (1, False, State.RECORDED, True),  # a lost journal
    ],
)
def test_a_start_compares_with_the_journal(
    world: World, epoch: int, is_key_leaf: bool, state: State, doubts: bool
) -> None:
    """The same journal: nothing to ask. Another one: central knows, and is asked by trying."""
    begun(world)
    keys = load_keys(world.directory, StateFiles(world.directory))
    keys.begin(epoch, is_key_leaf, AT_CENTRAL)
    assert keys.rotation is not None
    assert keys.rotation.state is state
    assert keys.refused() is doubts


def test_where_central_has_the_key_leaf_a_new_epoch_needs_no_guess(world: World) -> None:
    """The rest that the old key had to sign is appended again, and the old key goes."""
    keys = begun(world)
    new = keys.schedule.newest
    keys.committed({Log.BILLING: (0, 11)})
    keys.epoch_opened(1)
    assert keys.signer.vkey == new
    keys.committed({Log.TELEMETRY: (1, 1)})
    assert keys.rotation is None


def test_only_one_rotation_at_a_time(world: World) -> None:
    """A second one is refused with what the first one waits for."""
    keys = begun(world)
    with pytest.raises(KeyFileError, match=r"under way \(recorded\)"):
        keys.want(lambda _: b"m" * 32)


def test_files_of_two_gateways_or_times_are_refused(world: World, tmp_path_factory) -> None:  # type: ignore[no-untyped-def]
    """Another new key, another old key, or a rotation that is not readable."""
    begun(world)
    other = World(tmp_path_factory.mktemp("other"))
    keys = other.start(StateFiles(other.directory))
    keys.want(lambda _: b"m" * 32)
    (world.directory / NEXT_KEY).write_bytes((other.directory / NEXT_KEY).read_bytes())
    with pytest.raises(KeyFileError, match="other keys than"):
        load_keys(world.directory)
    (world.directory / ROTATION).write_bytes(b"?")
    with pytest.raises(KeyFileError, match="enroll this gateway again"):
        load_keys(world.directory)


def test_a_damaged_schedule_stops_nothing(world: World) -> None:
    """The key in force signs on; only older checkpoints are not known as ours."""
    rotate(world, StateFiles(world.directory))
    (world.directory / SCHEDULE).write_bytes(b"?")
    keys = load_keys(world.directory)
    assert keys.signer_for(Log.BILLING, 0, 50).vkey == world.central.newest
    assert keys.verifier_for(Origin("gw-1", Log.BILLING, 0), 11).vkey == world.central.newest


def test_a_state_directory_that_takes_no_file_leaves_the_rotation_where_it_was(
    world: World,
) -> None:
    """A full disk is told to the caller, and nothing has moved."""
    files = Failing(world.directory, -1)
    keys = world.start(files)
    keys.want(lambda _: NEW)
    files.left = 0
    with pytest.raises(Crash):
        keys.attempt(PLACE)
    assert keys.wants_leaf(0)
    assert keys.boundary(Log.BILLING, 0) is None


def test_an_attempt_is_withdrawn_though_the_disk_takes_no_file(world: World) -> None:
    """Else the next tick would count as its KEY leaf; a start goes by the journal."""
    files = Failing(world.directory, -1)
    keys = world.start(files)
    keys.want(lambda _: NEW)
    keys.attempt(PLACE)
    files.left = 0
    with pytest.raises(Crash):
        keys.withdraw()
    keys.committed({})
    assert keys.wants_leaf(0)
    assert keys.boundary(Log.BILLING, 0) is None
    files.left = -1
    keys = world.start(files)
    assert keys.rotation is not None
    assert keys.rotation.state is State.WANTED
    world.go_on(keys)
    assert load_keys(world.directory).signer.vkey == world.central.newest


def test_a_recorded_leaf_is_never_withdrawn_though_its_file_could_not_be_written(
    world: World,
) -> None:
    """Else a second KEY leaf of the same key followed, which central could not take."""
    files = Failing(world.directory, -1)
    keys = world.start(files)
    keys.want(lambda _: NEW)
    world.key_leaf = (PLACE, keys.attempt(PLACE))
    files.left = 0
    with pytest.raises(Crash):
        keys.committed({})
    keys.withdraw()
    assert not keys.wants_leaf(0)
    assert keys.boundary(Log.BILLING, 0) == 11
    files.left = -1
    world.go_on(world.start(files))
    assert load_keys(world.directory).signer.vkey == world.central.newest
