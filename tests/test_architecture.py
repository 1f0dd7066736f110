"""The order of the house: imports point one way, and two named steps go up."""

import ast
from importlib import import_module
from pathlib import Path

import pytest
from django.conf import settings
from django.utils.module_loading import import_string

ROOT = Path(__file__).resolve().parent.parent
ORDER = ["crm", "channels_app", "cases", "surveys", "config"]


def modules(app: str) -> list[Path]:
    return [path for path in (ROOT / app).rglob("*.py") if "migrations" not in path.parts]


def imported_apps(source: str) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module.split(".")[0])
    return names & set(ORDER)


@pytest.mark.parametrize("app", ORDER)
def test_an_app_imports_only_what_stands_before_it(app):
    allowed = set(ORDER[: ORDER.index(app) + 1])
    wrong = {
        str(path.relative_to(ROOT)): imported_apps(path.read_text()) - allowed
        for path in modules(app)
        if imported_apps(path.read_text()) - allowed
    }
    assert wrong == {}


def test_a_wrong_import_would_be_seen():
    assert imported_apps("def late():\n    from cases.models import Case") == {"cases"}


def test_the_steps_up_are_named_in_settings_and_can_be_called():
    for path in settings.HANDOFFS.values():
        assert callable(import_string(path))


def test_migrations_of_an_app_depend_only_on_what_stands_before_it():
    for at, app in enumerate(ORDER):
        for path in (ROOT / app / "migrations").glob("0*.py"):
            needed = {name for name, _ in import_module(f"{app}.migrations.{path.stem}").Migration.dependencies}
            assert needed.isdisjoint(ORDER[at + 1 :])


def test_nobody_names_a_module_for_having_no_name():
    rooms = [path for app in ORDER for path in modules(app)]
    assert not [path for path in rooms if path.stem in {"services", "utils", "helpers", "misc", "common"}]


def test_third_party_code_is_not_pasted_in():
    files = [path for path in (ROOT / "static").rglob("*") if path.is_file()]
    assert not [path for path in files if ".min." in path.name or path.stat().st_size > 60_000]


def test_the_outbox_cannot_name_a_note():
    sources = [p.read_text() for p in modules("channels_app")]
    assert not [s for s in sources if "import Note" in s or "notes" in imported_apps(s)]
