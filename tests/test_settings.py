"""Where things live and how much is computed: argument, then environment, then default."""

import errno

import pytest

from ftlearn import settings

CHOICES = pytest.mark.parametrize(
    "choose, name, default, other",
    [(settings.pace, "pace", "full", "quick"), (settings.track, "track", "starter", "hub")],
)


@pytest.fixture(autouse=True)
def no_variables(monkeypatch):
    for name in ("PACE", "TRACK", "CACHE", "HOME", "SHARED", "DEVICE"):
        monkeypatch.delenv(f"FTLEARN_{name}", raising=False)


@CHOICES
def test_an_argument_beats_the_variable_and_the_variable_beats_the_default(
    choose, name, default, other, monkeypatch
):
    assert choose() == choose(None) == default
    monkeypatch.setenv(f"FTLEARN_{name.upper()}", other)
    assert choose() == other
    assert choose(default) == default
    monkeypatch.setenv(f"FTLEARN_{name.upper()}", "")  # counts as absent
    assert choose() == default


@CHOICES
def test_a_bad_value_is_named_with_its_origin_and_what_is_allowed(
    choose, name, default, other, monkeypatch
):
    variable = f"FTLEARN_{name.upper()}"
    monkeypatch.setenv(variable, default.upper())
    for given, origin, value in (
        ("Fast", f"argument {name}", "Fast"),
        (None, f"environment variable {variable}", default.upper()),
    ):
        with pytest.raises(settings.BadSetting) as caught:
            choose(given)
        sentence = f"{origin} is {value!r}; allowed: {default}, {other}."
        assert caught.value._render_traceback_() == [sentence]
    assert choose(other) == other  # an explicit argument needs no variable


def test_the_cache_folder_is_the_variable_else_the_users_cache(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path / "me"))
    monkeypatch.setenv("USERPROFILE", str(tmp_path / "me"))
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    assert settings.cache_folder() == tmp_path / "me" / ".cache" / "ftlearn"
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert settings.cache_folder() == tmp_path / "xdg" / "ftlearn"
    monkeypatch.setenv("FTLEARN_CACHE", "~/mine")
    assert settings.cache_folder() == tmp_path / "me" / "mine"
    assert not any(tmp_path.iterdir())  # asking makes no folder


def test_the_home_folder_is_the_variable_else_in_the_users_home(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    assert settings.home_folder() == tmp_path / ".ftlearn"
    monkeypatch.setenv("FTLEARN_HOME", "~/progress")
    assert settings.home_folder() == tmp_path / "progress"


@pytest.fixture
def places(monkeypatch, tmp_path):
    """A cache that somebody filled and a home, by name."""
    found = {"cache": tmp_path / "shared", "home": tmp_path / "home"}
    (found["cache"] / "models" / "theirs").mkdir(parents=True)
    monkeypatch.setenv("FTLEARN_CACHE", str(found["cache"]))
    monkeypatch.setenv("FTLEARN_HOME", str(found["home"]))
    return found


@pytest.mark.parametrize("number", [errno.EACCES, errno.EPERM, errno.EROFS])
@pytest.mark.parametrize("refused", ["", "models"], ids=["the whole cache", "one folder of it"])
def test_beside_a_cache_that_can_only_be_read_the_learner_has_one_at_home(
    places, read_only, number, refused
):
    read_only[places["cache"] / refused] = number
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


def test_where_nothing_can_be_written_the_cache_is_the_one_that_errors_name(places, read_only):
    read_only |= {places["cache"]: errno.EACCES, places["home"].parent: errno.EACCES}
    assert settings.own_cache() == places["cache"]


@pytest.mark.parametrize(
    "choose, name, word, answer",
    [
        (settings.device, "DEVICE", "cuda", "cuda"),
        (settings.device, "DEVICE", "", None),
        (settings.device, "DEVICE", "gpu", "allowed: cpu, cuda, mps."),
        (settings.device, "DEVICE", "CPU", "allowed: cpu, cuda, mps."),
        (settings.shared, "SHARED", "1", True),
        (settings.shared, "SHARED", "0", False),
        (settings.shared, "SHARED", "", None),
        (settings.shared, "SHARED", "yes", "allowed: 0, 1."),
    ],
)
def test_device_and_shared_are_said_or_not_and_other_words_refused(
    choose, name, word, answer, monkeypatch
):
    assert choose() is None
    monkeypatch.setenv(f"FTLEARN_{name}", word)
    if isinstance(answer, str) and answer.startswith("allowed"):
        with pytest.raises(settings.BadSetting, match=answer):
            choose()
    else:
        assert choose() == answer
