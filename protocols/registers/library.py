"""The profiles that come with the program, one TOML file a device type."""

from functools import cache
from importlib import resources

from protocols.registers.profile import Profile, ProfileError
from protocols.registers.profile_file import parse_profile

_FOLDER = resources.files("protocols.registers") / "profiles"


def profile_ids() -> tuple[str, ...]:
    """The ids of all packaged profiles, sorted."""
    names = (entry.name for entry in _FOLDER.iterdir())
    return tuple(sorted(name.removesuffix(".toml") for name in names if name.endswith(".toml")))


@cache
def load_profile(profile_id: str) -> Profile:
    """Raises ProfileError for an unknown id, ProfileErrors for a faulty file."""
    known = profile_ids()
    if profile_id not in known:
        raise ProfileError(f"no profile {profile_id!r}; known profiles: {', '.join(known)}")
    name = f"{profile_id}.toml"
    profile = parse_profile((_FOLDER / name).read_text(encoding="utf-8"), name)
    if profile.id != profile_id:
        raise ProfileError(f"{name}: id is {profile.id!r}; a profile's file is named by its id")
    return profile
