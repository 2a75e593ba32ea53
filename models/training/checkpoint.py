"""Checkpoints of the training scripts, as files that were given: what is none, or was cut short, is said in a line."""
import pickle
import zipfile

from inputs import NUMBER, fitting, reading, unlike

KIND = "a checkpoint of train.py, distill.py or from_gguf.py"
SHAPE = {name: int for name in ("dim", "layers", "heads", "kv_heads", "hidden", "vocabulary", "context", "head")}
MODEL = {"model": dict, "shape": SHAPE}
PROGRESS = {**MODEL, "step": int, "minutes": NUMBER, "calm": NUMBER, "moved": int}


def load(path, device, pattern=MODEL):
    """The state that loop.save wrote. pattern: what of it is needed. That the file is whole and PyTorch's is seen by its archive, before PyTorch:
    what it raises then, such as for want of memory, is not the file's."""
    with reading(path, KIND, zipfile.BadZipFile), open(path, "rb") as file, zipfile.ZipFile(file) as archive:
        names = archive.namelist()
    if not any(name.endswith("/data.pkl") for name in names):
        raise unlike(path, KIND, "an archive of something else")
    from packages import torch                 # here: what is no checkpoint is refused without it
    try:
        state = torch.load(path, map_location=device)
    except pickle.UnpicklingError as error:
        raise unlike(path, KIND, "it holds something else than tensors and numbers") from error
    return fitting(state, path, KIND, pattern)


def fill(model, weights, path):
    """Sets a model's weights to those of a checkpoint, read from a given file. Raises BadInput where they are another model's."""
    wanted, given = ({name: tuple(getattr(tensor, "shape", ())) for name, tensor in of.items()} for of in (model.state_dict(), weights))
    for name in (*wanted, *given):
        if wanted.get(name) != given.get(name):
            raise unlike(path, KIND, f"its tensor {name} is of the shape {given.get(name)}, the model's of {wanted.get(name)}")
    model.load_state_dict(weights)
