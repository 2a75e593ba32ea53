"""Checkpoints of the training scripts, as files that were given: what is none, or was cut short, is said in a line."""
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
    import torch                               # here: what is no checkpoint is refused without it
    return fitting(torch.load(path, map_location=device), path, KIND, pattern)
