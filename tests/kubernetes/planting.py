"""Ways to what is in a rendered whole, to plant faults in it."""

from collections.abc import Callable, Iterator

from .world import Object, Whole

Plant = Callable[[Whole], object]
Check = Callable[[Whole], Iterator[str]]


def workload(whole: Whole, name: str) -> Object:
    """The workload of this name."""
    return whole.pods_of(name).owner


def container(whole: Whole, name: str) -> Object:
    """Its first container."""
    found: Object = whole.pods_of(name).containers[0]
    return found


def spec(whole: Whole, kind: str, name: str) -> Object:
    """The spec of an object."""
    found = whole.find(kind, name)
    assert found is not None, f"{kind}/{name}"
    inner: Object = found["spec"]
    return inner


def without(whole: Whole, kind: str, name: str) -> None:
    """Take an object out."""
    assert isinstance(whole.objects, list)
    whole.objects.remove(whole.find(kind, name))


def variable(whole: Whole, name: str, wanted: str) -> Object:
    """A variable of the first container."""
    return next(one for one in container(whole, name)["env"] if one["name"] == wanted)


def added(whole: Whole, one: Object) -> None:
    """Put an object in."""
    assert isinstance(whole.objects, list)
    whole.objects.append(one)
