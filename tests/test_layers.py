"""The dependency rules of pyproject.toml hold."""

from importlinter.cli import lint_imports


def test_no_package_imports_from_a_layer_above_it() -> None:
    assert lint_imports(no_cache=True) == 0
