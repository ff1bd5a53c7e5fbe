"""The parts that a stack file describes, each opened when it is first asked for."""

from pathlib import Path
from types import SimpleNamespace

import pytest
from support.fake_label_studio import FakeLabelStudio, project_on
from support.project import Project, free_port

from annolooop.errors import ConfigError, UnreachableError
from annolooop.labelstudio.image_source import LocalImages
from annolooop.model.backbones import open as backbones
from annolooop.stack import Stack


@pytest.fixture
def project(fake: FakeLabelStudio, tmp_path: Path) -> Project:
    return project_on(fake, tmp_path)


def ours(project: Project, **settings: object) -> Project:
    """The same project with a local server of its own, which does not run."""
    project.values["label_studio"] = {"port": free_port(), "data_dir": "ls", **settings}
    project.write(project.values)
    return project


def test_nothing_is_opened_or_written_at_first(project: Project, fake: FakeLabelStudio) -> None:
    project.stack()
    assert fake.requests == []
    assert sorted(path.name for path in project.folder.iterdir()) == ["annoloop.yaml"]


def test_parts_are_opened_once(project: Project) -> None:
    stack = project.stack()
    assert stack.store is stack.store
    assert stack.studio is stack.studio


def test_server_of_someone_else_needs_no_daemon(project: Project, fake: FakeLabelStudio) -> None:
    stack = project.stack()
    assert stack.daemon is None
    assert stack.studio.url == fake.url


def test_our_server_that_does_not_run_says_what_to_type(project: Project) -> None:
    with pytest.raises(UnreachableError, match="Label Studio is not running on") as caught:
        assert ours(project).stack().studio
    assert caught.value.hint == "Start it: annoloop up"


def test_our_server_serves_a_folder_of_links_to_the_store(project: Project) -> None:
    stack = ours(project).stack()
    daemon = stack.daemon
    assert daemon
    assert daemon.data_dir == project.folder / "ls"
    assert daemon.document_root.parent == project.folder / "ls" / "files"
    assert daemon.links == {"images": project.folder / "store" / "images"}
    assert isinstance(stack.image_source, LocalImages)
    assert stack.image_source.url("images/a.jpg") == "/data/local-files/?d=images/a.jpg"


def test_annotations_that_our_server_copies_go_through_a_link(project: Project) -> None:
    stack = ours(project).stack("store.export_annotations=true")
    path = Path(stack.annotation_export.settings["path"] or "")
    assert stack.daemon
    assert path.is_relative_to(stack.daemon.document_root)
    (path / "1.json").write_text("{}")
    assert [file.name for file in stack.store.local_path.rglob("1.json")] == ["1.json"]
    root = stack.daemon.document_root
    assert not project.stack("store.export_annotations=false").annotation_export.enabled
    assert [entry.name for entry in root.iterdir()] == ["images"]


def test_root_of_someone_elses_server_may_hold_nothing_but_a_link(
    project: Project, fake: FakeLabelStudio
) -> None:
    (project.folder / "shown").mkdir()
    (project.folder / "shown" / "images").symlink_to(project.folder / "store" / "images")
    source = project.stack("label_studio.document_root=shown").image_source
    assert isinstance(source, LocalImages)
    assert source.store == project.folder / "shown"
    assert source.url("images/a.jpg") == "/data/local-files/?d=images/a.jpg"


def test_servers_of_two_folders_have_names_of_their_own(project: Project) -> None:
    first = ours(project).stack().daemon
    second = ours(project, data_dir="other").stack().daemon
    assert first
    assert second
    assert first.name != second.name
    assert first.log != second.log


@pytest.mark.parametrize(
    ("command", "executable"),
    [("bin/label-studio", "{folder}/bin/label-studio"), ("no-such", "no-such")],
)
def test_path_of_a_command_is_the_stack_files_and_a_bare_name_a_programs(
    project: Project, command: str, executable: str
) -> None:
    daemon = ours(project, command=command).stack().daemon
    assert daemon
    assert daemon.command == executable.format(folder=project.folder)


def test_images_of_a_folder_are_shown_from_there(project: Project, fake: FakeLabelStudio) -> None:
    source = project.stack("label_studio.document_root=.").image_source
    assert isinstance(source, LocalImages)
    assert source.url("images/a.jpg") == "/data/local-files/?d=store/images/a.jpg"


def test_copy_of_the_annotations_is_off_where_the_stack_file_says_so(project: Project) -> None:
    assert not project.stack("store.export_annotations=false").annotation_export.enabled
    assert project.stack("store.export_annotations=true").annotation_export.kind == "localfiles"


def test_lock_may_be_nested(project: Project) -> None:
    stack = project.stack()
    with stack.lock("outer") as outer, stack.lock("inner") as inner:
        assert inner is outer
    assert stack.lock_idle() is not None


def test_lock_of_another_dataset_is_another_one(project: Project) -> None:
    stack = project.stack()
    with stack.lock("one") as one, stack.lock("two", "dogs") as two:
        assert one is not two


def test_lock_is_free_again_after_a_failure(project: Project) -> None:
    stack = project.stack()
    with pytest.raises(ValueError, match="wrong"), stack.lock("x"):
        raise ValueError("wrong")
    with project.stack("store.lock_timeout=1").lock("y"):
        pass


@pytest.fixture
def built(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """Which weights a backbone would be built of."""
    kept = SimpleNamespace(weights="")

    def build(config: object, weights: str, *rest: object) -> None:
        kept.weights = weights

    monkeypatch.setattr(backbones, "build_pipeline", build)
    return kept


def opened(stack: Stack, built: SimpleNamespace) -> str:
    stack.build_pipeline()
    return str(built.weights)


def test_weights_in_the_store_are_copied_into_the_cache(
    project: Project, built: SimpleNamespace
) -> None:
    stack = project.stack("model.weights=store:weights/mine.safetensors")
    stack.store.put("weights/mine.safetensors", b"weights")
    copy = Path(opened(stack, built))
    assert copy.read_bytes() == b"weights"
    assert copy.is_relative_to(stack.cache)


def test_weights_that_the_store_does_not_have_are_named(
    project: Project, built: SimpleNamespace
) -> None:
    with pytest.raises(
        ConfigError, match=r"model\.weights: the store has no weights/mine"
    ) as caught:
        opened(project.stack("model.weights=store:weights/mine.safetensors"), built)
    assert caught.value.hint.endswith("store/weights/mine.safetensors")


def test_relative_path_of_weights_is_the_stack_files(
    project: Project, built: SimpleNamespace
) -> None:
    (project.folder / "mine.safetensors").write_bytes(b"weights")
    weights = opened(project.stack("model.weights=mine.safetensors"), built)
    assert weights == str(project.folder / "mine.safetensors")


def test_name_of_weights_stays_as_it_is(project: Project, built: SimpleNamespace) -> None:
    assert opened(project.stack("model.weights=DEFAULT"), built) == "DEFAULT"
