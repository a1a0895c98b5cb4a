"""Where things live and how much is computed: argument, then environment, then default."""

import errno

import pytest

from ftlearn import settings


@pytest.fixture(autouse=True)
def no_variables(monkeypatch):
    for name in ("PACE", "TRACK", "CACHE", "HOME", "SHARED", "DEVICE"):
        monkeypatch.delenv(f"FTLEARN_{name}", raising=False)


@pytest.mark.parametrize(
    "choose, name, default, other",
    [(settings.pace, "pace", "full", "quick"), (settings.track, "track", "starter", "hub")],
)
def test_the_argument_beats_the_variable_and_that_the_default_and_a_bad_choice_is_named(
    choose, name, default, other, monkeypatch
):
    variable, allowed = f"FTLEARN_{name.upper()}", f"allowed: {default}, {other}."
    assert choose() == default
    monkeypatch.setenv(variable, "")  # an empty one counts as absent
    assert choose() == default
    monkeypatch.setenv(variable, other)
    assert choose() == other and choose(default) == default
    with pytest.raises(ValueError, match=f"^argument {name} is 'Fast'; {allowed}$"):
        choose("Fast")
    monkeypatch.setenv(variable, "FAST")
    with pytest.raises(ValueError, match=f"^environment variable {variable} is 'FAST'; {allowed}$"):
        choose()
    assert choose(other) == other  # an explicit argument needs no variable


def test_cache_and_home_are_the_variables_else_in_the_users_home_and_are_not_made(
    monkeypatch, tmp_path
):
    monkeypatch.setenv("HOME", str(tmp_path / "me"))
    monkeypatch.setenv("USERPROFILE", str(tmp_path / "me"))
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    assert settings.cache_folder() == tmp_path / "me" / ".cache" / "ftlearn"
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert settings.cache_folder() == tmp_path / "xdg" / "ftlearn"
    monkeypatch.setenv("FTLEARN_CACHE", str(tmp_path / "mine"))
    assert settings.cache_folder() == tmp_path / "mine"
    monkeypatch.setenv("FTLEARN_CACHE", "~/mine")
    assert settings.cache_folder() == tmp_path / "me" / "mine"
    assert settings.home_folder() == tmp_path / "me" / ".ftlearn"
    monkeypatch.setenv("FTLEARN_HOME", "~/progress")
    assert settings.home_folder() == tmp_path / "me" / "progress"
    assert not any(tmp_path.iterdir())


@pytest.fixture
def places(monkeypatch, tmp_path):
    """A cache that somebody filled and a home, by name."""
    found = {"cache": tmp_path / "shared", "home": tmp_path / "home"}
    (found["cache"] / "models" / "theirs").mkdir(parents=True)
    monkeypatch.setenv("FTLEARN_CACHE", str(found["cache"]))
    monkeypatch.setenv("FTLEARN_HOME", str(found["home"]))
    return found


@pytest.mark.parametrize("number", [errno.EACCES, errno.EPERM, errno.EROFS])
def test_beside_a_cache_that_can_only_be_read_the_learner_has_one_at_home(
    places, read_only, number
):
    read_only[places["cache"]] = number
    assert settings.own_cache() == places["home"] / "cache"
    assert settings.cached("models/theirs") == places["cache"] / "models" / "theirs"
    assert settings.cached("models/new") == places["home"] / "cache" / "models" / "new"
    (places["home"] / "cache" / "models" / "theirs").mkdir(parents=True)
    assert settings.cached("models/theirs") == places["home"] / "cache" / "models" / "theirs"


def test_a_cache_that_can_be_written_takes_everything(places):
    assert settings.own_cache() == places["cache"]
    assert settings.cached("models/theirs") == places["cache"] / "models" / "theirs"
    assert settings.cached("runs/new") == places["cache"] / "runs" / "new"
    assert [path.name for path in places["cache"].rglob("*")] == ["models", "theirs"]
    assert not places["home"].exists()


@pytest.mark.parametrize(
    ("refusing", "own"), [("shared/models", "home/cache"), ("", "shared")], ids=["one", "all"]
)
def test_a_cache_with_a_folder_that_can_only_be_read_is_left_alone_and_named_where_all_can(
    places, read_only, tmp_path, refusing, own
):
    read_only[tmp_path / refusing] = errno.EACCES
    assert settings.own_cache() == tmp_path / own


def test_a_device_can_be_chosen_by_name_and_another_word_is_refused_in_one_sentence(monkeypatch):
    assert settings.device() is None
    for kind in settings.DEVICES:
        monkeypatch.setenv("FTLEARN_DEVICE", kind)
        assert settings.device() == kind
    for word in ("gpu", "CPU", "cuda:0"):
        monkeypatch.setenv("FTLEARN_DEVICE", word)
        with pytest.raises(settings.BadSetting) as caught:
            settings.device()
        sentence = f"environment variable FTLEARN_DEVICE is {word!r}; allowed: cpu, cuda, mps."
        assert caught.value._render_traceback_() == [sentence]


def test_whether_others_compute_here_is_yes_no_or_unsaid(monkeypatch):
    assert settings.shared() is None
    for said, answer in (("1", True), ("0", False), ("", None)):
        monkeypatch.setenv("FTLEARN_SHARED", said)
        assert settings.shared() is answer
    monkeypatch.setenv("FTLEARN_SHARED", "yes")
    with pytest.raises(ValueError, match="FTLEARN_SHARED is 'yes'; allowed: 0, 1"):
        settings.shared()
