"""Images are put into a bucket: the command dies, the bucket goes away and comes back."""

from collections import Counter

import pytest
from support.bucket_servers import S3Server
from support.dying_process import Joint, run_dying
from support.faulty_proxy import FaultyProxy
from support.project import Project, write_photos

NAMES = [f"{n:03d}.jpg" for n in range(120)]


@pytest.fixture
def on_s3(project: Project, s3: S3Server, proxy: FaultyProxy) -> Project:
    project.values["store"] = {"url": f"s3://{s3.bucket}/team"}
    project.values["s3"] = {
        "endpoint": proxy.endpoint,
        "region": "us-east-1",
        "access_key": s3.key,
        "secret_key": s3.secret,
    }
    project.write(project.values)
    return project


def uploads(proxy: FaultyProxy) -> Counter[str]:
    """How often each image was written: what the server took, not what it was asked."""
    done = (p for m, p, status in proxy.passed if m == "PUT" and status == 200)
    return Counter(path for path in done if "/images/b/" in path)


def leave_after(proxy: FaultyProxy, puts: int) -> None:
    """Be gone from the n-th upload of an image on."""

    def fault(method: str, path: str) -> str:
        if sum(uploads(proxy).values()) >= puts:
            proxy.leave()
        return ""

    proxy.fault = fault


def test_upload_goes_on_where_it_ended(on_s3: Project, proxy: FaultyProxy) -> None:
    project = on_s3
    project.json("train")
    write_photos(project.folder / "b", NAMES)
    words = ["infer", "--batch", "b"]
    joints: list[Joint] = []
    among_images: list[int] = []
    # Killed and interrupted at each write of embeddings, of which a slow machine makes several, and
    # then twice among the images.
    while len(among_images) < 2:
        code, message, joint = run_dying(project.folder, words, joints)
        assert joint
        assert code == (9, 130)[len(joints) % 2], message
        joints.append(joint)
        if "images/b/" in joint[0]:
            among_images.append(code)
    assert len(joints) >= 4
    assert among_images == [9, 130]

    leave_after(proxy, 90)
    failed = project.run(*words, code=4, AWS_MAX_ATTEMPTS="2")
    assert "does not answer" in failed.stderr
    assert "type the same command again" in failed.stderr
    first = uploads(proxy)
    assert 90 <= len(first) < len(NAMES)

    proxy.come_back()
    proxy.fail_in_turn(*["busy", "", "lost"] * 4)
    done = project.json(*words)
    assert (done["images"], done["uploaded"]) == (len(NAMES), len(NAMES) - len(first))
    assert done["embedded"] == 0  # they were kept before the images were sent
    assert (done["tasks_created"], done["predictions_pushed"]) == (len(NAMES), len(NAMES))
    assert sorted(uploads(proxy).values()) == [1] * len(NAMES)
    stack = project.stack()
    found = stack.studio.projects.find(stack.config.dataset.name)
    assert found
    tasks = sorted(task.key for task in stack.studio.tasks.list(found.id))
    assert tasks == [f"images/b/{name}" for name in NAMES]
    assert [len(stack.catalog), len(list(stack.store.walk("images/b")))] == [len(NAMES)] * 2
