"""Label Studio starts while the backbone's weights are fetched."""

from collections.abc import Callable
from pathlib import Path
from threading import Thread

from annolooop.config.choose import CONFIGS
from annolooop.errors import UnreachableError
from annolooop.files.whole import replacing
from annolooop.loop.setup.server import UpReport, up
from annolooop.stack import Stack

HUB_LIMIT = 20.0  # seconds that ResNet-18 may take to come; the starter weights are faster
# Lines of a stack file that nobody changed, and what stands there where no hub is reached.
FALLBACK = (
    ("\n  backbone: resnet18\n", "\n  backbone: mobilenet_v2\n"),
    ("\n  weights: DEFAULT\n", "\n  weights: starter\n"),
)


def up_with_weights(
    stack: Stack, load: Callable[[], Stack], say: Callable[[str], None], watch: bool = False
) -> tuple[Stack, UpReport]:
    """Start Label Studio, and meanwhile get the weights of the first model version.

    Where no model hub answers in time and the stack file names the usual backbone, it names the
    starter weights from then on.

    Args:
        stack: the annotation loop.
        load: opens it again, where its file was changed.
        say: shows what happens.
        watch: as for :func:`up`.

    Returns:
        The stack, whose backbone is there; and what `up` did.

    Raises:
        AnnoloopError: as `up` and `train` do.
    """
    if stack.registry.current():
        return stack, up(stack, say, watch=watch)
    failed: list[BaseException] = []

    def fetch() -> None:
        try:
            stack.build_pipeline(HUB_LIMIT)
        except BaseException as error:  # raised again where somebody waits for it
            failed.append(error)

    fetching = Thread(target=fetch, name="weights", daemon=True)
    fetching.start()
    report = up(stack, say, watch=watch)
    fetching.join()
    if not failed:
        return stack, report
    file = stack.loaded.file
    model = stack.config.model
    usual = (model.backbone, model.weights) == ("resnet18", "DEFAULT")
    if not (usual and isinstance(failed[0], UnreachableError) and _name_starter(file)):
        raise failed[0]
    say(
        f"No model hub can be reached: {file} names MobileNetV2 with the starter weights "
        "(ImageNet) from now on."
    )
    stack = load()
    stack.build_pipeline()
    return stack, report


def _name_starter(file: Path) -> bool:
    """Make a stack file name the starter weights, unless it is one that others use, too."""
    if file.parent.name == CONFIGS:
        return False
    text = file.read_bytes().decode("utf-8", "surrogateescape")
    if any(text.count(line) != 1 for line, _ in FALLBACK):
        return False
    for line, other in FALLBACK:
        text = text.replace(line, other)
    with replacing(file) as part:
        part.write_bytes(text.encode("utf-8", "surrogateescape"))
    return True
